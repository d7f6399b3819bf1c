// SPDX-License-Identifier: MIT

package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/rueidis"

	"github.com/holdover-go/holdover/store"
)

var _ store.Journal = (*Store)(nil)

const (
	// maxMarks is about how many marks are kept, some 60 MiB in Redis. Responses that
	// know less than the oldest of them are revalidated by whoever is started then.
	maxMarks = 500_000

	// marksPerPage are read at once.
	marksPerPage = 2000
)

// errJournal says that the names of the journal hold something else.
var errJournal = errors.New("the journal holds what isn't one")

// The journal is a stream, whose identifiers are the numbers of the marks, and a hash with
// its epoch, the server's run and history of replication, and the number of the last mark. All
// are looked at by every script: where one of them was evicted or deleted, or the server is
// another one, started anew or promoted from a replica, marks may be gone that were confirmed. Who
// may not ask for that leaves it to others. The journal then
// begins anew, with the epoch that the caller brings along.
const journalBegin = `
local hash, stream, fresh = KEYS[1], KEYS[2], ARGV[1]
local state = redis.call('HMGET', hash, 'epoch', 'run', 'last')
local function info(section, field)
  local text = redis.pcall('INFO', section)
  return type(text) == 'string' and string.match(text, field .. ':(%x+)') or ''
end
local run = info('server', 'run_id') .. info('replication', 'master_replid')
local epoch, last = state[1], tonumber(state[3] or '0')
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local ends = newest and tonumber(string.match(newest[1], '^%d+')) or 0
local function renew()
  redis.call('DEL', stream)
  redis.call('HSET', hash, 'epoch', fresh, 'run', run ~= '' and run or state[2] or '', 'last', '0')
  epoch, last = fresh, 0
end
if not epoch or (run ~= '' and state[2] ~= run) or last ~= ends then renew() end
`

// appendScript drops marks by their number and, where the clock may be asked, by their age. For
// that the hash has a list of times, each with the number of the last mark then, behind
// the epoch that it belongs to. The newest says when the last mark was appended; of the
// others, one is left for about each sixteenth of the life of marks, and one that is over.
const appendScript = journalBegin + `
local most, life, marks = tonumber(ARGV[2]), tonumber(ARGV[3]), 4
if #ARGV < marks then return {epoch, string.format('%.0f', last)} end
local ages, keep, clock, now = {}, nil, redis.pcall('TIME')
if not clock.err then
  now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
  local text = redis.call('HMGET', hash, 'ages')[1] or ''
  if string.sub(text, 1, #epoch) == epoch then
    for at, number in string.gmatch(string.sub(text, #epoch + 1), '(%d+):(%d+)') do
      ages[#ages + 1] = {tonumber(at), tonumber(number)}
    end
  end
  if #ages > 0 and ages[#ages][2] > last then ages = {} end
  if last > 0 and (#ages == 0 or ages[#ages][2] < last) then ages[#ages + 1] = {now, last} end
  while #ages > 1 and ages[2][1] < now - life do table.remove(ages, 1) end
  if #ages > 0 and ages[1][1] < now - life then keep = last + #ARGV - marks + 1 - ages[1][2] end
end
for i = marks, #ARGV do
  last = last + 1
  local id = string.format('%.0f-1', last)
  if i == #ARGV and keep and keep < most then
    redis.call('XADD', stream, 'MAXLEN', string.format('%.0f', math.max(keep, 1000)), id, 'm', ARGV[i])
  else
    redis.call('XADD', stream, 'MAXLEN', '~', most, id, 'm', ARGV[i])
  end
end
redis.call('HSET', hash, 'last', string.format('%.0f', last))
if now then
  local place = #ages + 1
  if #ages > 1 and now - ages[#ages - 1][1] < life / 8 then place = #ages end
  ages[place] = {now, last}
  local text = {}
  for i, age in ipairs(ages) do text[i] = string.format('%.0f:%.0f', age[1], age[2]) end
  redis.call('HSET', hash, 'ages', epoch .. table.concat(text, ' '))
end
return {epoch, string.format('%.0f', last)}`

const readScript = journalBegin + `
local first = last + 1
local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
if oldest then first = tonumber(string.match(oldest[1], '^%d+')) end
local from = tonumber(ARGV[3])
if ARGV[2] == epoch and from >= first and from <= last then first = from end
local page = {epoch, string.format('%.0f', first - 1), string.format('%.0f', last)}
for i, entry in ipairs(redis.call('XRANGE', stream, string.format('%.0f', first), '+', 'COUNT', ARGV[4])) do
  page[i + 3] = entry[2][2]
end
return page`

const renewScript = journalBegin + `
if epoch == ARGV[2] and epoch ~= fresh then renew() end
return 1`

// Append adds purges to the journal that all stores on the same server and with the same
// Prefix share, and returns the position of the last.
func (s *Store) Append(ctx context.Context, marks []store.Mark) (store.Position, error) {
	args := make([]string, 0, len(marks)+2)
	args = append(args, strconv.Itoa(maxMarks), strconv.FormatInt(milliseconds(s.cfg.JournalLife), 10))
	for _, m := range marks {
		args = append(args, string(store.AppendMark(nil, m)))
	}
	answer, err := s.script(ctx, appendScript, args...)
	if err == nil && len(answer) < 2 {
		err = errJournal
	}
	if err != nil {
		return store.Position{}, s.journalFailure("append to journal", err)
	}
	return position(answer[0], answer[1])
}

// Read returns marks of the journal from a position on.
func (s *Store) Read(ctx context.Context, from store.Position) (store.JournalPage, error) {
	answer, err := s.script(ctx, readScript, string(from.Epoch[:]), strconv.FormatUint(from.Seq, 10), strconv.Itoa(marksPerPage))
	if err == nil && len(answer) < 3 {
		err = errJournal
	}
	if err != nil {
		return store.JournalPage{}, s.journalFailure("read journal", err)
	}
	page, err := pageOf(answer)
	return page, s.journalFailure("read journal", err)
}

func pageOf(answer []string) (page store.JournalPage, err error) {
	base, err := position(answer[0], answer[1])
	if err != nil {
		return page, err
	}
	end, err := position(answer[0], answer[2])
	if err != nil {
		return page, err
	}
	page = store.JournalPage{Epoch: base.Epoch, Base: base.Seq, Marks: make([]store.Mark, len(answer)-3)}
	for i, text := range answer[3:] {
		if page.Marks[i], err = store.DecodeMark([]byte(text)); err != nil {
			return store.JournalPage{}, fmt.Errorf("%w: %w", errJournal, err)
		}
	}
	page.More = page.Position().Seq < end.Seq
	return page, nil
}

// Renew begins the journal anew, if it has this epoch.
func (s *Store) Renew(ctx context.Context, epoch [16]byte) error {
	_, err := call(ctx, s, func(ctx context.Context, c rueidis.Client) (int64, error) {
		return c.Do(ctx, s.eval(c, renewScript, string(epoch[:]))).AsInt64()
	})
	return s.journalFailure("renew journal", err)
}

// journalFailure is failure where something else that stands there isn't a miss.
func (s *Store) journalFailure(op string, err error) error {
	if said, ok := rueidis.IsRedisErr(err); ok && isWrongType(said) {
		err = errJournal
	}
	return s.failure(op, err)
}

func (s *Store) script(ctx context.Context, text string, args ...string) ([]string, error) {
	return call(ctx, s, func(ctx context.Context, c rueidis.Client) ([]string, error) {
		return c.Do(ctx, s.eval(c, text, args...)).AsStrSlice()
	})
}

func (s *Store) eval(c rueidis.Client, text string, args ...string) rueidis.Completed {
	var fresh [16]byte
	rand.Read(fresh[:])                // never fails
	name := s.cfg.Prefix + "{journal}" // in a cluster both names are on one node
	return c.B().Eval().Script(text).Numkeys(2).Key(name, name+":marks").Arg(string(fresh[:])).Arg(args...).Build()
}

func position(epoch, number string) (p store.Position, err error) {
	if len(epoch) != len(p.Epoch) {
		return p, errJournal
	}
	copy(p.Epoch[:], epoch)
	if p.Seq, err = strconv.ParseUint(number, 10, 64); err != nil {
		return store.Position{}, errJournal
	}
	return p, nil
}
