// SPDX-License-Identifier: MIT

package holdover_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const modulePath = "github.com/holdover-go/holdover"

// mayImport lists, for each top-level folder, what its packages may import of
// this project beside packages of the same folder. "." is the root package. Between
// internal and store the compiler's refusal of cycles decides.
var mayImport = map[string][]string{
	"internal":     {"store"},
	"store":        {"internal"},
	"stores":       {"internal", "store", "codec"},
	"codec":        {"internal", "store"},
	".":            {"internal", "store", "stores/memory"},
	"holdovertest": {"internal", "store"},
	"bench":        {"internal", "store", "holdovertest"},
	"observe":      {"internal", "store", "."},
	"console":      {"internal", "store", "."},
	"examples":     {"internal", "store", "stores", "codec", ".", "observe", "console"},
}

// wrongImports returns what breaks the rules in a graph from packages to their imports.
func wrongImports(graph map[string][]string) []string {
	var wrong []string
	for importer, imports := range graph {
		from, ours := inProject(importer)
		if !ours {
			continue
		}
		for _, imported := range imports {
			if to, ours := inProject(imported); ours && !allowed(from, to) {
				wrong = append(wrong, from+" imports "+to)
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

func allowed(from, to string) bool {
	folders, known := mayImport[topFolder(from)]
	if !known {
		return false
	}
	// Two stores are two folders, since each may be a module of its own.
	if ownFolder(from) == ownFolder(to) {
		return true
	}
	return slices.ContainsFunc(folders, func(folder string) bool {
		return to == folder || folder != "." && strings.HasPrefix(to, folder+"/")
	})
}

func inProject(importPath string) (relative string, ours bool) {
	if importPath == modulePath {
		return ".", true
	}
	return strings.CutPrefix(importPath, modulePath+"/")
}

func topFolder(relative string) string {
	top, _, _ := strings.Cut(relative, "/")
	return top
}

func ownFolder(relative string) string {
	if rest, inStores := strings.CutPrefix(relative, "stores/"); inStores {
		return "stores/" + topFolder(rest)
	}
	return topFolder(relative)
}

func TestWrongImports(t *testing.T) {
	for name, c := range map[string]struct {
		from, to string
		wrong    bool
	}{
		"root to store":             {".", "store", false},
		"root to memory":            {".", "stores/memory", false},
		"root to internal":          {".", "internal/flight", false},
		"root to redis":             {".", "stores/redis", true},
		"root to console":           {".", "console", true},
		"store to internal":         {"store", "internal/backoff", false},
		"suite to store":            {"store/storetest", "store", false},
		"store to root":             {"store", ".", true},
		"suite to root":             {"store/storetest", ".", true},
		"store to a store":          {"store", "stores/memory", true},
		"internal to internal":      {"internal/flight", "internal/httpfield", false},
		"internal to root":          {"internal/flight", ".", true},
		"internal to store":         {"internal/marks", "store", false},
		"internal to a store":       {"internal/marks", "stores/memory", true},
		"a store to store":          {"stores/redis", "store", false},
		"a store to the suite":      {"stores/redis", "store/storetest", false},
		"a store to its own part":   {"stores/sql", "stores/sql/schema", false},
		"a store to internal":       {"stores/file", "internal/backoff", false},
		"a store to codec":          {"stores/redis", "codec", false},
		"a store to root":           {"stores/redis", ".", true},
		"a store to another":        {"stores/redis", "stores/memory", true},
		"codec to store":            {"codec", "store", false},
		"codec to root":             {"codec", ".", true},
		"observe to root":           {"observe/otel", ".", false},
		"console to root":           {"console", ".", false},
		"console to examples":       {"console", "examples/proxy", true},
		"examples to root":          {"examples/proxy", ".", false},
		"examples to all stores":    {"examples/proxy", "stores/redis", false},
		"examples to console":       {"examples/proxy", "console", false},
		"unknown folder":            {"extra", "store", true},
		"known folder to unknown":   {"store", "extra", true},
		"names that only look like": {"store", "internals", true},
	} {
		t.Run(name, func(t *testing.T) {
			graph := map[string][]string{importPath(c.from): {"fmt", importPath(c.to), "example.com/" + modulePath}}
			var want []string
			if c.wrong {
				want = []string{c.from + " imports " + c.to}
			}
			require.Equal(t, want, wrongImports(graph))
		})
	}
	require.Empty(t, wrongImports(map[string][]string{"example.com/app": {modulePath, modulePath + "/store"}}))
}

func importPath(relative string) string {
	if relative == "." {
		return modulePath
	}
	return modulePath + "/" + relative
}

func TestImportsRunOneWay(t *testing.T) {
	graph := make(map[string][]string)
	for line := range strings.Lines(goTool(t, "list", "-e", "-deps", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "work")) {
		words := strings.Fields(line)
		graph[words[0]] = words[1:]
	}
	require.Contains(t, graph, modulePath)
	require.Contains(t, graph, modulePath+"/store")
	require.Empty(t, wrongImports(graph))
}

// goMod is what this test reads of a go.mod file.
type goMod struct {
	Require []struct {
		Path     string
		Indirect bool
	}
	Replace []struct {
		Old, New struct{ Path string }
	}
}

func (m goMod) direct() []string {
	var paths []string
	for _, r := range m.Require {
		if !r.Indirect {
			paths = append(paths, r.Path)
		}
	}
	return paths
}

func (m goMod) replacement(path string) string {
	for _, r := range m.Replace {
		if r.Old.Path == path {
			return r.New.Path
		}
	}
	return ""
}

func readGoMod(t *testing.T, file string) goMod {
	t.Helper()
	var m goMod
	require.NoError(t, json.Unmarshal([]byte(goTool(t, "mod", "edit", "-json", file)), &m))
	return m
}

func TestRootRequiresFourModules(t *testing.T) {
	require.ElementsMatch(t, []string{
		"github.com/hashicorp/golang-lru/v2",
		"github.com/pquerna/cachecontrol",
		"github.com/stretchr/testify",
		"golang.org/x/sync",
	}, readGoMod(t, "go.mod").direct())
}

// A module that the workspace doesn't use would be neither built nor tested.
func TestWorkspaceHoldsEveryModule(t *testing.T) {
	root, err := filepath.Abs(".")
	require.NoError(t, err)
	used := strings.Fields(goTool(t, "list", "-m", "-f", "{{.Dir}}"))
	require.Contains(t, used, root)

	for _, file := range goModFiles(t) {
		dir := filepath.Dir(file)
		require.Contains(t, used, filepath.Join(root, dir), "go.work doesn't use ./%s", dir)
		if dir == "." {
			continue
		}
		toRoot := readGoMod(t, file).replacement(modulePath)
		require.NotEmpty(t, toRoot, "%s must replace the root", file)
		require.Equal(t, ".", filepath.Join(dir, filepath.FromSlash(toRoot)), "%s replaces the root by something else", file)
	}
}

func goModFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != "."):
			return filepath.SkipDir
		case d.Name() == "go.mod":
			files = append(files, path)
		}
		return nil
	}))
	return files
}

func goTool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(cmd.Environ(), "GOWORK=") // the workspace counts, even where it is turned off
	out, err := cmd.Output()
	if failed, ok := err.(*exec.ExitError); ok {
		err = fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, failed.Stderr)
	}
	require.NoError(t, err)
	return string(out)
}
