// SPDX-License-Identifier: MIT

package freshness_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/freshness"
	"github.com/holdover-go/holdover/internal/httpfield"
)

// The lifetime is s-maxage, else max-age, else Expires − Date (RFC 9111 §4.2.1), and the
// age is the larger of what Date and what Age tell (§4.2.3). "\n" stands between the lines
// of a field.
func FuzzLifetime(f *testing.F) {
	const (
		date  = "Sun, 06 Nov 1994 08:49:37 GMT"
		later = "Sun, 06 Nov 1994 08:50:37 GMT"
		far   = "Fri, 31 Dec 9999 23:59:59 GMT"
	)
	for _, s := range [][4]string{
		{"max-age=60", later, date, "5"}, {"s-maxage=60, max-age=5", "0", date, ""}, {"", later, date, ""}, {"", date, date, "60, 7"}, {"", later + "\n" + later, date, ""},
		{"", later, "x", "-1"}, {"", later, date + "\n" + date, "99999999999"}, {"", far, date, ""}, {"", "0", "", "60\n7"}, {"max-age=x", far, date, ""}, {"no-store", "", far, ""},
		{"", "Mon, 18 Jan 2287 00:00:00 GMT", "Tue, 19 Jan 2038 03:14:08 GMT", "0"}, {"", "Sunday, 06-Nov-94 08:50:37 GMT", "Sun Nov  6 08:49:37 1994", ""},
	} {
		f.Add(s[0], s[1], s[2], s[3], int64(784_111_777), int64(1500))
	}
	f.Fuzz(func(t *testing.T, control, expires, date, age string, clock, delay int64) {
		lines := func(field string) []string {
			if field == "" {
				return nil
			}
			return strings.Split(field, "\n")
		}
		received := time.Unix(0, clock%9e9*1e9).UTC()
		sent := received.Add(-time.Duration(max(0, delay%1e6)) * time.Millisecond)
		h := http.Header{"Expires": lines(expires), "Date": lines(date), "Age": lines(age)}
		cc := cachecontrol.ParseResponse(lines(control))

		one := func(name string) (time.Time, bool) {
			if len(h[name]) != 1 {
				return received, false
			}
			at, ok := httpfield.ParseDateAt(h[name][0], received)
			if !ok {
				at = received
			}
			return at, ok
		}
		made, dated := one("Date")
		want := max(cc.SMaxAge, 0)
		if cc.SMaxAge < 0 {
			want = max(cc.MaxAge, 0)
		}
		if cc.SMaxAge < 0 && cc.MaxAge < 0 {
			if end, ok := one("Expires"); ok {
				want = max(0, end.Sub(made))
			}
		}
		lifetime, _ := freshness.Explicit(h, cc, received.UnixNano())
		require.Equal(t, want, lifetime)

		told, _ := httpfield.Age(h["Age"])
		apparent := time.Duration(0)
		if dated {
			apparent = max(0, received.Truncate(time.Second).Sub(made))
		}
		require.Equal(t, max(apparent, told+received.Sub(sent)), freshness.InitialAge(h, sent.UnixNano(), received.UnixNano()))
	})
}
