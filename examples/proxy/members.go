// SPDX-License-Identifier: MIT

package main

import (
	"log/slog"

	"github.com/holdover-go/holdover/store"
)

// members are the stores of the command line, of which the first one that works is used.
type members struct {
	failover *store.Failover // nil for a memory store alone, which can't fail
	labels   []string
	logger   *slog.Logger
}

// newMembers also returns what they are together.
func newMembers(texts []string, opened []store.Store, logger *slog.Logger) (*members, store.Store, error) {
	m := &members{logger: logger}
	for _, text := range texts {
		m.labels = append(m.labels, labelOf(text))
	}
	if len(opened) == 1 && store.IsLocal(opened[0]) {
		return m, opened[0], nil
	}
	var err error
	m.failover, err = store.NewFailover(store.FailoverConfig{OnChange: m.changed}, opened...)
	return m, m.failover, err
}

// changed writes down when a store is not used any more, and when it is again. The trials
// in between are left out: they may go on for days.
func (m *members) changed(c store.MemberChange) {
	which := []any{"store", m.labels[c.Member], "state", c.To.String()}
	switch {
	case c.To == store.Closed:
		m.logger.Info("a store is used again", which...)
	case c.To == store.Merging:
		m.logger.Info("a store answers again, its purges are read first", which...)
	case c.To == store.Open && c.From != store.Probing:
		m.logger.Warn("a store isn't used any more", append(which, "cause", c.Err)...)
	}
}

// memberStats is how one store is.
type memberStats struct {
	Store string `json:"store"`
	State string `json:"state"`
}

func (m *members) stats() (list []memberStats) {
	states := make([]store.State, len(m.labels))
	if m.failover != nil {
		states = m.failover.States()
	}
	for i, label := range m.labels {
		list = append(list, memberStats{label, states[i].String()})
	}
	return list
}
