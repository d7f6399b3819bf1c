// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"slices"

	"github.com/go-chi/chi/v5"
)

// detach is made for holdover.Config.Detach: copy it if your cache stands inside
// a chi router.
//
// chi puts its route context into a pool when the request ends, and uses it for
// another one. A fetch that outlives its request needs a context of its own, with
// copies of the slices, or it reads another request's URL parameters. The struct
// isn't copied as a whole: it has unexported slices too, which the router would
// go on writing to. (Newer releases of chi have Context.Clone for that; this
// works with all of v5.)
func detach(ctx context.Context) context.Context {
	old := chi.RouteContext(ctx)
	if old == nil { // outside the router
		return ctx
	}
	own := chi.NewRouteContext()
	own.Routes = old.Routes
	own.RoutePath = old.RoutePath
	own.RouteMethod = old.RouteMethod
	own.URLParams.Keys = slices.Clone(old.URLParams.Keys)
	own.URLParams.Values = slices.Clone(old.URLParams.Values)
	own.RoutePatterns = slices.Clone(old.RoutePatterns)
	return context.WithValue(ctx, chi.RouteCtxKey, own)
}
