// SPDX-License-Identifier: MIT

package holdover

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"unicode"
)

// maxCredential is the length in bytes of the longest credential that a list holds.
const maxCredential = 4096

var (
	errCredentialEmpty   = errors.New("is empty")
	errCredentialLong    = fmt.Errorf("is longer than %d bytes", maxCredential)
	errCredentialBlank   = errors.New("begins or ends with a blank")
	errCredentialControl = errors.New("holds a control character")
	errCredentialComment = errors.New("is followed by a comment, which needs a line of its own")
)

// AllowList is a live set of credentials: it can be replaced while it is in use.
// It is safe for concurrent use. The credentials themselves aren't kept, only
// SHA-256 digests over them and a random salt, so that neither the memory nor
// the time of a lookup tells about them. The zero value holds nobody.
type AllowList struct {
	members atomic.Pointer[memberSet]
}

// memberSet is immutable once it was published.
type memberSet struct {
	salt    [sha256.Size]byte
	digests map[[sha256.Size]byte]struct{}
}

// NewAllowList returns a list of these credentials, decoded: as they are after
// percent-decoding a query or Base64-decoding a field.
//
// What could never match is an error: a list with no member, and a credential
// that is empty, longer than 4096 bytes, holds control characters, or begins or
// ends with a blank. Errors count credentials from 1 and don't repeat them.
func NewAllowList(credentials ...string) (*AllowList, error) {
	if len(credentials) == 0 {
		return nil, errors.New("holdover: allow list has no members")
	}
	l := new(AllowList)
	if err := l.Replace(credentials); err != nil {
		return nil, err
	}
	return l, nil
}

// Replace puts these credentials in place of all others in one step: a lookup
// sees the old set or the new one. On an error, which is as in NewAllowList, the
// old set stays. Unlike there, a list without members is allowed, because
// revoking everybody must be possible.
func (l *AllowList) Replace(credentials []string) error {
	set := &memberSet{digests: make(map[[sha256.Size]byte]struct{}, len(credentials))}
	rand.Read(set.salt[:]) // never fails
	for i, credential := range credentials {
		if err := checkCredential(credential); err != nil {
			return fmt.Errorf("holdover: allow list: credential %d %w", i+1, err)
		}
		set.digests[set.digest(credential)] = struct{}{}
	}
	l.members.Store(set)
	return nil
}

// Contains reports whether the decoded credential is on the list. It compares
// exactly: letter case and blanks count.
func (l *AllowList) Contains(credential string) bool {
	set := l.members.Load()
	if set == nil || len(credential) > maxCredential { // don't hash what can't be a member
		return false
	}
	_, found := set.digests[set.digest(credential)]
	return found
}

// Len returns the number of different credentials on the list.
func (l *AllowList) Len() int {
	if set := l.members.Load(); set != nil {
		return len(set.digests)
	}
	return 0
}

func (s *memberSet) digest(credential string) [sha256.Size]byte {
	var buf [sha256.Size + 96]byte // most credentials need no allocation
	return sha256.Sum256(append(append(buf[:0], s.salt[:]...), credential...))
}

// ReadAllowList reads credentials for NewAllowList or Replace from a text with one
// in each line. Blank lines and lines whose first character is # are skipped; lines
// may end in CR LF, and the text may start with a byte order mark. It returns no
// credentials and no error for a text that holds none.
//
// The first line that can't be used is an error, which names its number and
// never its content: what NewAllowList refuses, and a comment behind a credential.
func ReadAllowList(r io.Reader) ([]string, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxCredential+len("\r\n")+len(byteOrderMark))
	var credentials []string
	number := 0
	for lines.Scan() {
		number++
		credential, err := readLine(lines.Bytes(), number == 1)
		if err != nil {
			return nil, lineError(number, err)
		}
		if credential != "" {
			credentials = append(credentials, credential)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, lineError(number+1, errCredentialLong)
	case err != nil:
		return nil, fmt.Errorf("holdover: allow list: %w", err)
	}
	return credentials, nil
}

const byteOrderMark = "\ufeff"

func lineError(number int, err error) error {
	return fmt.Errorf("holdover: allow list: line %d %w", number, err)
}

// readLine returns the credential in a line, "" if there is none.
func readLine(line []byte, first bool) (string, error) {
	if first {
		line = bytes.TrimPrefix(line, []byte(byteOrderMark))
	}
	text := bytes.TrimSpace(line)
	if len(text) == 0 || text[0] == '#' {
		return "", nil
	}
	if bytes.Contains(text, []byte(" #")) || bytes.Contains(text, []byte("\t#")) {
		return "", errCredentialComment
	}
	return string(line), checkCredential(string(line))
}

func checkCredential(credential string) error {
	switch {
	case credential == "":
		return errCredentialEmpty
	case len(credential) > maxCredential:
		return errCredentialLong
	case strings.TrimSpace(credential) != credential:
		return errCredentialBlank
	case strings.ContainsFunc(credential, unicode.IsControl):
		return errCredentialControl
	}
	return nil
}
