package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Whoever finds a reason in a condition finds it explained.
func TestEveryReasonIsExplainedInTheOperationsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"../../internal/status/reasons.go", "../../internal/mongodb/reasons.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		ast.Inspect(file, func(n ast.Node) bool {
			value, ok := n.(*ast.ValueSpec)
			if !ok || len(value.Values) == 0 || !strings.HasPrefix(value.Names[0].Name, "Reason") {
				return true
			}
			literal, ok := value.Values[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			reason, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			if !strings.Contains(string(page), "`"+reason+"`") {
				t.Errorf("%s: reason %s is not explained in docs/operations.md", source, reason)
			}
			return true
		})
		if found == 0 {
			t.Errorf("%s holds no reasons: does this test still read the right file?", source)
		}
	}
}
