// SPDX-License-Identifier: MIT

package flight

import (
	"context"
	"net"
	"net/http"
	"reflect"
)

// maxContexts bounds the walk: a longer chain isn't worth following.
const maxContexts = 64

// OnlyServerValues reports whether ctx carries nothing that its owner could take
// back once ServeHTTP has returned, so that a fetch may go on with it.
//
// Routers put pointers to pooled structs into the request's context and use them
// for another request after the handler returned. From outside nothing tells
// such a value from a harmless one, so true needs proof: every context in the
// chain is one of the standard library's, and every value in it is one that
// net/http's server put there, or holds no pointer that could be written
// through. Everything unknown, nil included, means false.
//
// It reads types only, by reflection and without unsafe. A Go release that
// renames what it looks at makes it answer false.
func OnlyServerValues(ctx context.Context) bool {
	v := reflect.ValueOf(ctx)
	for range maxContexts {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if !v.IsValid() {
			return false
		}
		kind := contextKindOf(v.Type())
		switch {
		case kind == nil:
			return false
		case kind.root:
			return true
		case kind.pair && !harmlessPair(v, kind):
			return false
		}
		v = v.FieldByIndex(kind.parent).Elem()
	}
	return false
}

// contextKind is one of the standard library's context types and where its
// fields are.
type contextKind struct {
	of         reflect.Type
	root       bool // has no parent
	pair       bool // has a key and a value
	parent     []int
	key, value []int
}

// contextKinds are learned from the standard library's own functions, so that no
// other type can pass for one of them.
var contextKinds = learnContextKinds()

func learnContextKinds() []contextKind {
	root := context.Background()
	cancelled, cancel := context.WithCancel(root)
	cancel()
	timed, stop := context.WithTimeout(root, 0)
	stop()
	return []contextKind{
		wrapperKind(context.WithValue(root, http.ServerContextKey, true), "Context"),
		wrapperKind(cancelled, "Context"),
		wrapperKind(timed, "Context"),
		wrapperKind(context.WithoutCancel(root), "c"),
		{of: structType(root), root: true},
		{of: structType(context.TODO()), root: true},
	}
}

// wrapperKind describes the type of ctx. Where the fields aren't what they are
// expected to be, the kind matches no context.
func wrapperKind(ctx context.Context, parent string) contextKind {
	t := structType(ctx)
	up, found := t.FieldByName(parent)
	if !found || up.Type != reflect.TypeFor[context.Context]() {
		return contextKind{}
	}
	kind := contextKind{of: t, parent: up.Index}
	if ctx.Value(http.ServerContextKey) == nil {
		return kind
	}
	key, hasKey := t.FieldByName("key")
	value, hasValue := t.FieldByName("val")
	if !hasKey || !hasValue || key.Type != reflect.TypeFor[any]() || value.Type != reflect.TypeFor[any]() {
		return contextKind{}
	}
	kind.pair, kind.key, kind.value = true, key.Index, value.Index
	return kind
}

func structType(ctx context.Context) reflect.Type {
	return reflect.Indirect(reflect.ValueOf(ctx)).Type()
}

func contextKindOf(t reflect.Type) *contextKind {
	for i := range contextKinds {
		if contextKinds[i].of == t {
			return &contextKinds[i]
		}
	}
	return signalKind(t)
}

// signalKind describes the context of signal.NotifyContext, a usual base context
// of servers. It is known by name, since making one would catch signals.
func signalKind(t reflect.Type) *contextKind {
	if t.PkgPath() != "os/signal" || t.Name() != "signalCtx" {
		return nil
	}
	up, found := t.FieldByName("Context")
	if !found || up.Type != reflect.TypeFor[context.Context]() {
		return nil
	}
	return &contextKind{of: t, parent: up.Index}
}

var (
	serverKey = reflect.ValueOf(http.ServerContextKey).Type() // the address's key has the same type
	serverPtr = reflect.TypeFor[*http.Server]()
	addrType  = reflect.TypeFor[net.Addr]()
)

// harmlessPair judges the key and value of a context.
func harmlessPair(v reflect.Value, kind *contextKind) bool {
	value := v.FieldByIndex(kind.value).Elem()
	if !value.IsValid() {
		return true
	}
	t := value.Type()
	if v.FieldByIndex(kind.key).Elem().Type() == serverKey {
		return t == serverPtr || t.Implements(addrType)
	}
	return isFlat(t)
}

// isFlat reports whether a value of this type in an interface is a copy that
// nobody can change: it holds numbers, booleans and strings only.
func isFlat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return isFlat(t.Elem())
	case reflect.Struct:
		for field := range t.Fields() {
			if !isFlat(field.Type) {
				return false
			}
		}
		return true
	case reflect.Uintptr: // may be an address
		return false
	case reflect.String:
		return true
	default:
		return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128
	}
}
