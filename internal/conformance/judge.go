// SPDX-License-Identifier: MIT

package conformance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// judge compares what happened in the present step with what is expected.
func (p *performance) judge(want Want, low, high int) {
	calls := p.origin.seen(p.now())
	if n := len(calls); n < low || n > high {
		p.failf("want %s calls of the origin, got %d", want.callRange(), n)
	}
	p.judgeRequests(want, calls)
	for i, t := range p.turns[p.now()-1] {
		if t.request.Leaves > 0 {
			continue
		}
		for _, wrong := range p.judgeAnswer(t, calls) {
			p.failf("answer %d, to %s %s: %s", i+1, t.request.method(), t.request.target(), wrong)
		}
	}
}

// conditions are what a cache validates with (RFC 9111 §4.3.1).
var conditions = [...]string{"If-None-Match", "If-Modified-Since"}

// judgeRequests looks at what reached the origin.
func (p *performance) judgeRequests(want Want, calls []*call) {
	for _, c := range calls {
		for _, wrong := range want.Sees.failures(c.header, p.moment()) {
			p.failf("the origin's call %d saw: %s", c.n, wrong)
		}
		var sent []string
		for _, name := range conditions {
			if values := c.header.Values(name); len(values) > 0 && !p.clientSent(name) {
				sent = append(sent, fmt.Sprintf("%s: %q", name, values))
			}
		}
		switch {
		case want.By == Forwarded && len(sent) > 0:
			p.failf("the origin's call %d saw a condition: %s", c.n, strings.Join(sent, ", "))
		case want.By == Validated && len(sent) == 0 && !p.clientSentAny():
			p.failf("the origin's call %d saw no condition", c.n)
		}
	}
}

// clientSent reports whether a client of this step sent a field itself.
func (p *performance) clientSent(name string) bool {
	return slices.ContainsFunc(p.turns[p.now()-1], func(t turn) bool {
		return slices.ContainsFunc(t.request.Header, func(line string) bool {
			field, _, _ := strings.Cut(line, ":")
			return strings.EqualFold(field, name)
		})
	})
}

func (p *performance) clientSentAny() bool { return slices.ContainsFunc(conditions[:], p.clientSent) }

func (p *performance) moment() moment { return moment{p.origin.blanks, p.answerOf} }

func (p *performance) judgeAnswer(t turn, calls []*call) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	g, want := t.got, t.want
	switch {
	case g.hung:
		say("it never ended")
		return wrong
	case want.Broken && (g.aborted || g.status == http.StatusBadGateway || g.status == http.StatusGatewayTimeout):
		return wrong
	case want.Broken:
		say("want an answer that breaks off, or 502 or 504, got %d %q", g.status, brief(g.body))
		return wrong
	case g.aborted != want.Aborted:
		say("aborted is %t, want %t: %v", g.aborted, want.Aborted, g.err)
		return wrong
	}
	wrong = append(wrong, judgeEarly(want.Early, g.early, p.moment())...)
	if g.status == 0 { // aborted before the header
		return wrong
	}
	sources := p.sources(t, calls)
	if status, ok := rightStatus(want, sources, g.status); !ok {
		say("want status %s, got %d", status, g.status)
	}
	if body, ok := rightBody(t, sources); !ok {
		say("want %s, got %q", body, brief(g.body))
	}
	wrong = append(wrong, want.Header.failures(g.header, p.moment())...)
	for _, failure := range want.Trailer.failures(g.trailer, p.moment()) {
		say("trailer %s", failure)
	}
	wrong = append(wrong, always(want, g)...)
	if p.target.CacheName != "" {
		wrong = append(wrong, judgeCacheStatus(p.target.CacheName, want, g.header)...)
	}
	return wrong
}

func rightStatus(want Want, sources []*call, status int) (expected string, ok bool) {
	if want.Status != 0 {
		return fmt.Sprint(want.Status), status == want.Status
	}
	if len(sources) == 0 {
		return "any", true // rightBody tells
	}
	return fmt.Sprint(sources[0].status()), slices.ContainsFunc(sources, func(c *call) bool { return c.status() == status })
}

// rightBody compares all bytes; of an answer that broke off those that came.
func rightBody(t turn, sources []*call) (expected string, ok bool) {
	body, status := string(t.got.body), t.got.status
	agrees := func(whole string) bool {
		return body == whole || t.want.Aborted && strings.HasPrefix(whole, body)
	}
	switch {
	case t.request.method() == http.MethodHead || !bodyAllowed(status) || t.want.Empty:
		return "no body", body == ""
	case t.want.Parts != nil:
		return rightParts(t)
	case t.want.Body != "":
		return fmt.Sprintf("body %q", brief([]byte(t.want.Body))), agrees(t.want.Body)
	case t.want.By == Own, t.want.By == Anyone && t.want.Of == 0:
		return "any body", true
	case len(sources) == 0:
		return "what the origin sent for this, but it sent nothing", false
	}
	return fmt.Sprintf("body %q", brief([]byte(sources[0].text()))), slices.ContainsFunc(sources, func(c *call) bool {
		return c.answer.Serve != nil || agrees(c.text())
	})
}

// brief shortens long bodies for a message.
func brief(body []byte) []byte {
	if len(body) > 200 {
		return fmt.Appendf(body[:200:200], "… (%d bytes)", len(body))
	}
	return body
}

func judgeEarly(want []Early, seen []interim, at moment) (wrong []string) {
	if want == nil {
		return nil
	}
	if len(want) != len(seen) {
		return []string{fmt.Sprintf("want %d 1xx responses, got %v", len(want), seen)}
	}
	for i, e := range want {
		if e.Status != seen[i].status {
			wrong = append(wrong, fmt.Sprintf("1xx response %d: want %d, got %d", i+1, e.Status, seen[i].status))
		}
		header := http.Header{}
		at.blanks.set(header, e.Header)
		for name := range header {
			wrong = append(wrong, Checks{Is(name, header.Get(name))}.failures(seen[i].header, at)...)
		}
	}
	return wrong
}

// always are rules that hold for every answer.
func always(want Want, g got) (wrong []string) {
	checks := Checks{dated}
	if (want.By == Stored || want.By == Stale) && g.status < http.StatusBadRequest {
		checks = append(checks, aged) // RFC 9111 §4
	}
	return checks.failures(g.header, moment{})
}

var dated = Check{"Date", func(values []string, _ moment) (string, bool) {
	return "at most one", len(values) <= 1
}}

var aged = Check{"Age", func(values []string, _ moment) (string, bool) {
	return "one integer, as on everything from a store", len(values) == 1 && within(values[0], 0, 1<<31)
}}
