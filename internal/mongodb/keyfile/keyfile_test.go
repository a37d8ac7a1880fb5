package keyfile_test

import (
	"slices"
	"strings"
	"testing"

	"chatpdf.dev/operator/internal/mongodb/keyfile"
)

func TestAKeyfileHoldsOneKeyOrTwo(t *testing.T) {
	long := strings.Repeat("A", 1024)
	for name, test := range map[string]struct {
		content string
		keys    []string
	}{
		"one":                  {"c2VjcmV0", []string{"c2VjcmV0"}},
		"one over lines":       {"c2Vj\ncmV0\n", []string{"c2VjcmV0"}},
		"two":                  {"- c2VjcmV0\n- b3RoZXI=\n", []string{"c2VjcmV0", "b3RoZXI="}},
		"a list of one":        {"- c2VjcmV0", []string{"c2VjcmV0"}},
		"the longest":          {long, []string{long}},
		"too long":             {long + "A", nil},
		"too short":            {"c2Vj", nil},
		"the second too short": {"- c2VjcmV0\n- c2Vj", nil},
		"three":                {"- c2VjcmV0\n- b3RoZXI=\n- dGhpcmQ=", nil},
		"no base64":            {"c2VjcmV0!", nil},
		"empty":                {" \n", nil},
	} {
		keys, err := keyfile.Parse([]byte(test.content))
		if (err == nil) != (test.keys != nil) || !slices.Equal(keys, test.keys) {
			t.Errorf("%s: %q, %v", name, keys, err)
		}
		if err != nil && strings.Contains(err.Error(), "c2Vj") {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
		if err == nil {
			if again, err := keyfile.Parse(keyfile.Join(keys...)); err != nil || !slices.Equal(again, keys) {
				t.Errorf("%s: written and read again it is %q, %v", name, again, err)
			}
		}
	}
}
