// SPDX-License-Identifier: MIT

package holdover_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

func ttls(pairs ...int) holdover.StatusTTL {
	t := make(holdover.StatusTTL)
	for i := 0; i < len(pairs); i += 2 {
		t[pairs[i]] = holdover.StatusRule{TTL: time.Duration(pairs[i+1]) * time.Second}
	}
	return t
}

func TestParseStatusTTL(t *testing.T) {
	for text, want := range map[string]holdover.StatusTTL{
		"403=20;404=30;504=40":      ttls(403, 20, 404, 30, 504, 40),
		" 403 = 20 ;\t404= 30s ; ":  ttls(403, 20, 404, 30),
		"404=30\n504=1m30s\r\n\n":   ttls(404, 30, 504, 90),
		";;404=30;;":                ttls(404, 30),
		"404=0":                     ttls(404, 0),
		"404=007":                   ttls(404, 7),
		"200=604800;301=168h":       ttls(200, 604800, 301, 604800),
		"503=1.5s":                  {503: {TTL: 1500 * time.Millisecond}},
		"":                          nil,
		" ; \n":                     nil,
		"418=1;511=1;226=1;300=168": ttls(418, 1, 511, 1, 226, 1, 300, 168),
	} {
		got, err := holdover.ParseStatusTTL(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestParseStatusTTLRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"404":                      "want status=lifetime",
		"404=":                     "neither",
		"=30":                      "three digits",
		"404=30=40":                "neither",
		"404=x":                    "neither",
		"404=1.5":                  "neither",
		"404=+30":                  "neither",
		"404=３０":                   "neither",
		"404=3 0":                  "neither",
		"404=-1":                   "neither",
		"404=-1s":                  "negative",
		"404=604801":               "over the maximum",
		"404=168h1ns":              "over the maximum",
		"404=9223372036":           "over the maximum",
		"404=9223372037":           "far too long",
		"404=99999999999999999999": "far too long",
		"404=9999999h":             "far too long",
		"404=30;404=30":            "already",
		"404=30; 404=40":           "already",
		"0404=30":                  "three digits",
		"-40=30":                   "three digits",
		"4xx=30":                   "three digits",
		"20=30":                    "three digits",
		"000=30":                   "not a known status",
		"299=30":                   "not a known status",
		"306=30":                   "not a known status",
		"599=30":                   "not a known status",
		"999=30":                   "not a known status",
		"100=30":                   "interim",
		"103=30":                   "interim",
		"199=30":                   "interim",
		"206=30":                   "one particular request",
		"304=30":                   "one particular request",
		"416=30":                   "one particular request",
		"404=30,405=30":            "neither",
	} {
		got, err := holdover.ParseStatusTTL(text)
		require.ErrorContains(t, err, says, text)
		require.ErrorContains(t, err, "status rule ", text)
		require.Nil(t, got, text)
	}
}

func TestParseStatusTTLNamesEveryBadRule(t *testing.T) {
	_, err := holdover.ParseStatusTTL("404=30;416=30;404=1;x=y;500=9h;206=400h")
	for _, rule := range []string{`"416=30"`, `"404=1"`, `"x=y"`, `"206=400h"`, "three digits", "neither", "over the maximum"} {
		require.ErrorContains(t, err, rule)
	}
	require.NotContains(t, err.Error(), `"404=30"`)
	require.NotContains(t, err.Error(), `"500=9h"`)
}

func TestParseStatusLists(t *testing.T) {
	for _, c := range []struct {
		statuses, ttls string
		want           holdover.StatusTTL
	}{
		{"403;404;504", "20;30;40", ttls(403, 20, 404, 30, 504, 40)},
		{" 403 ; 404;", "20; 30s ;", ttls(403, 20, 404, 30)},
		{"404", "0", ttls(404, 0)},
		{"", "", nil},
	} {
		got, err := holdover.ParseStatusLists(c.statuses, c.ttls)
		require.NoError(t, err, c)
		require.Equal(t, c.want, got, c)
	}
}

func TestParseStatusListsRefuses(t *testing.T) {
	for _, c := range []struct{ statuses, ttls, says string }{
		{"403;404", "20", "2 statuses, but 1 lifetimes"},
		{"403", "20;30", "1 statuses, but 2 lifetimes"},
		{"", "20", "0 statuses, but 1 lifetimes"},
		{"403", "", "1 statuses, but 0 lifetimes"},
		{"403;;504", "20;30;40", "three digits"},
		{"403;404;504", "20;;40", "neither"},
		{"403;404;;", "20;30", "3 statuses, but 2 lifetimes"},
		{"404;404", "20;30", "already"},
		{"404", "-1s", "negative"},
		{"404", "604801", "over the maximum"},
		{"416", "20", "one particular request"},
		{"101", "20", "interim"},
		{"999", "20", "not a known status"},
		{"404=1", "20", "three digits"},
		{"403,404", "20,30", "three digits"},
	} {
		got, err := holdover.ParseStatusLists(c.statuses, c.ttls)
		require.ErrorContains(t, err, c.says, c)
		require.Nil(t, got, c)
	}
}

// These are the statuses of the plugin that the lists come from.
func TestParseStatusListsTakesTheUsualStatuses(t *testing.T) {
	got, err := holdover.ParseStatusLists(
		"204;305;400;403;404;405;414;500;501;502;503;504", "1;2;3;4;5;6;7;8;9;10;11;86400")
	require.NoError(t, err)
	require.Equal(t, ttls(204, 1, 305, 2, 400, 3, 403, 4, 404, 5, 405, 6, 414, 7, 500, 8, 501, 9,
		502, 10, 503, 11, 504, 86400), got)
}

func requireSaneRules(t *testing.T, rules holdover.StatusTTL, err error) {
	t.Helper()
	if err != nil {
		require.Nil(t, rules)
		return
	}
	for status, rule := range rules {
		require.NotContains(t, []int{206, 304, 416}, status)
		require.GreaterOrEqual(t, status, 200)
		require.Less(t, status, 600)
		require.GreaterOrEqual(t, rule.TTL, time.Duration(0))
		require.LessOrEqual(t, rule.TTL, holdover.DefaultMaxLife)
		require.False(t, rule.Override)
	}
}

func FuzzParseStatusTTL(f *testing.F) {
	for _, text := range []string{"403=20;404=30;504=40", "404=30s\n", ";", "404=-1s", "416=1;404", "500=0.5h;500=1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := holdover.ParseStatusTTL(text)
		requireSaneRules(t, rules, err)
	})
}

func FuzzParseStatusLists(f *testing.F) {
	f.Add("403;404;504", "20;30;40")
	f.Add("403;;", ";30")
	f.Add("404;", "1m;")
	f.Fuzz(func(t *testing.T, statuses, ttls string) {
		rules, err := holdover.ParseStatusLists(statuses, ttls)
		requireSaneRules(t, rules, err)
		if err == nil && len(rules) > 0 {
			require.Equal(t, len(rules)-1, strings.Count(strings.TrimSuffix(strings.TrimSpace(statuses), ";"), ";"))
		}
	})
}
