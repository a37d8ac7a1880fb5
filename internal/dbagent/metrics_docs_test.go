package dbagent

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestThePageOfMetricsSaysWhatTheCodeDescribes(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range append(families(), familyUp, familyState) {
		var labels []string
		for _, label := range f.labels {
			labels = append(labels, "`"+label+"`")
		}
		want = append(want, strings.Join([]string{"| `" + f.name + "`", f.kind, strings.Join(labels, ", "), f.help + " |"}, " | "))
	}
	got := regexp.MustCompile("(?m)^\\| `"+prefix+".*$").FindAllString(string(page), -1)
	for _, row := range want {
		if !slices.Contains(got, row) {
			t.Errorf("docs/metrics.md lacks\n%s", row)
		}
	}
	for _, row := range got {
		if !slices.Contains(want, row) {
			t.Errorf("docs/metrics.md has what the code has not\n%s", row)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
}
