package mounts

import "testing"

func TestOnlyWhatLiesBelowIsKept(t *testing.T) {
	for _, test := range []struct {
		path, dir string
		want      bool
	}{
		{"/var/lib/jenkins/state", "/var/lib", true},
		{"/var/lib", "/var/lib", true},
		{"/var/library", "/var/lib", false},
		{"/home/a", "/var/lib", false},
		{"/home/a", "/", true},
	} {
		if got := Below(test.path, test.dir); got != test.want {
			t.Errorf("%s below %s: %v", test.path, test.dir, got)
		}
	}
}
