// SPDX-License-Identifier: MIT

package holdover_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/conformance"
)

// matrix says what the RFCs ask, and what proves that it is done.
const matrix = "docs/rfc9111.md"

var (
	quoted   = regexp.MustCompile("`([^`]+)`")
	proof    = regexp.MustCompile(`^(Test|Fuzz|Example)[A-Z]|^[0-9]{4}-[0-9]`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)
	linkTo   = regexp.MustCompile(`\]\(([^)]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// requirement is a row of a table that has a column Proof.
type requirement struct{ text, status, proof, notes string }

// requirements reads the tables of the matrix.
func requirements(t *testing.T, text string) (all []requirement) {
	t.Helper()
	inTable := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inTable = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case slices.Contains(cells, "Proof"):
			inTable = true
		case inTable && !strings.HasPrefix(line, "|--"):
			require.Len(t, cells, 4, line)
			all = append(all, requirement{cells[0], cells[1], cells[2], cells[3]})
		}
	}
	require.NotEmpty(t, all)
	return all
}

func namesIn(text string) (names []string) {
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// proofsIn returns the names in a text that are those of tests or cases.
func proofsIn(text string) []string {
	return slices.DeleteFunc(namesIn(text), func(name string) bool { return !proof.MatchString(name) })
}

// stands reports whether a name, or one that begins as "name*" says, is among the known.
func stands(name string, known []string) bool {
	start, open := strings.CutSuffix(name, "*")
	return slices.ContainsFunc(known, func(k string) bool {
		return k == name || open && start != "" && strings.HasPrefix(k, start)
	})
}

// without returns those of names that nothing in the text names.
func without(text string, names []string) (missing []string) {
	said := namesIn(text)
	for _, name := range names {
		if !slices.ContainsFunc(said, func(s string) bool { return stands(s, []string{name}) }) {
			missing = append(missing, name)
		}
	}
	return missing
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// testFunctions finds those of all modules.
func testFunctions(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != "." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, "_test.go") {
			for _, m := range testFunc.FindAllStringSubmatch(readText(t, path), -1) {
				found[m[1]] = true
			}
		}
		return err
	}))
	return slices.Collect(maps.Keys(found))
}

func caseIDs() (ids []string) {
	for _, c := range conformance.Cases() {
		ids = append(ids, c.ID)
	}
	return ids
}

// Every test and every case that the matrix names is there.
func TestMatrixNamesWhatExists(t *testing.T) {
	known := append(testFunctions(t), caseIDs()...)
	names := slices.DeleteFunc(proofsIn(readText(t, matrix)), func(name string) bool { return stands(name, known) })
	require.Empty(t, names, "%s: no test and no case has these names", matrix)
}

// Every conformance case is named, or listed as "9111-3.1-*" by the section that it is of.
func TestMatrixNamesEveryCase(t *testing.T) {
	require.Empty(t, without(readText(t, matrix), caseIDs()), "%s doesn't mention these cases", matrix)
}

// What is done has a proof, and what isn't has a reason.
func TestMatrixStatuses(t *testing.T) {
	for _, r := range requirements(t, readText(t, matrix)) {
		require.NotEmpty(t, r.text)
		require.Equal(t, namesIn(r.proof), proofsIn(r.proof), r.text)
		switch r.status {
		case "yes", "by policy":
			require.NotEmpty(t, r.proof, "nothing proves: %s", r.text)
		case "no", "planned", "n/a":
			require.NotEmpty(t, r.notes, "no reason: %s", r.text)
		default:
			require.Fail(t, "unknown status", "%q: %s", r.status, r.text)
		}
	}
}

// Each test of the public suite that fails by right is explained.
func TestMatrixNamesEveryDeviation(t *testing.T) {
	var deviations []string
	for line := range strings.Lines(readText(t, "examples/conformance/deviations.txt")) {
		if words := strings.Fields(line); len(words) > 1 && words[0] != "#" {
			deviations = append(deviations, words[1])
		}
	}
	require.NotEmpty(t, deviations)
	require.Empty(t, without(readText(t, matrix), deviations), "%s doesn't mention these tests of the public suite", matrix)
}

// Links lead somewhere: to a file, to a heading, or to the text of an RFC.
func TestLinksResolve(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	more, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	for _, page := range append(pages, more...) {
		for _, m := range linkTo.FindAllStringSubmatch(readText(t, page), -1) {
			if strings.HasPrefix(m[1], "https://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			require.FileExists(t, target, "%s links to %s", page, m[1])
			if anchor != "" {
				require.Contains(t, anchorsOf(readText(t, target)), anchor, "%s links to %s", page, m[1])
			}
		}
	}
}

// anchorsOf makes of headings what links call them.
func anchorsOf(text string) (anchors []string) {
	drop := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		words := drop.ReplaceAllString(strings.ToLower(m[1]), "")
		anchors = append(anchors, strings.ReplaceAll(words, " ", "-"))
	}
	return anchors
}
