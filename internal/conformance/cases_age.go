// SPDX-License-Identifier: MIT

package conformance

import "time"

// age is RFC 9111 §4.2.3: how old a response is.
var age = []Case{
	{
		ID: "9111-4.2.3-age-of-an-earlier-cache-counts", Cite: "RFC 9111 §4.2.3",
		Title: "the Age that a response came with is part of its age",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", "Age: 20"}}, Want: Want{Header: Checks{Between("Age", 20, 21)}}},
			{Want: Want{By: Stored, Header: Checks{Between("Age", 20, 23)}, CacheStatus: "ttl=37..40"}},
		},
	},
	{
		ID: "9111-4.2.3-apparent-age-from-date", Cite: "RFC 9111 §4.2.3",
		Title: "a response is at least as old as its Date says",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", "Date: {now-30s}", "Age: 2"}}},
			{Want: Want{By: Stored, Header: Checks{Between("Age", 30, 33)}}},
		},
	},
	{
		ID: "9111-4.2.3-resident-time", Cite: "RFC 9111 §4.2.3",
		Title: "the time in the store is added",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=600", "Age: 100"}}, Pass: 200 * time.Second},
			{Want: Want{By: Stored, Header: Checks{Is("Age", "300")}, CacheStatus: "ttl=300"}},
		},
	},
	{
		ID: "9111-4.2.3-response-delay", Cite: "RFC 9111 §4.2.3",
		Title: "the time that the origin took is added to the Age that it sent",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", "Age: 20"}, Delay: 2 * time.Second}},
			{Want: Want{By: Stored, Header: Checks{Between("Age", 22, 25)}}},
		},
	},
	{
		ID: "9111-5.1-invalid-age-is-ignored", Cite: "RFC 9111 §5.1",
		Title: "an Age that is no number of seconds counts as absent",
		Steps: []Step{
			{Origin: Answer{Header: Lines{"Cache-Control: max-age=60", "Age: -7000"}}},
			{Want: Want{By: Stored, Header: Checks{Between("Age", 0, 3)}}},
		},
	},
}
