package stack_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

// TestAnyTwoMembersShareAKeyWhateverHappens rotates while members come and go, each with what its kubelet happens to
// bring: the present keyfile or the one before.
func TestAnyTwoMembersShareAKeyWhateverHappens(t *testing.T) {
	objects := build(v1alpha1.ChatPDFDeploymentSpec{}, nil)
	type member struct {
		running bool
		keys    []string
	}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		secret, before, made := []string{"k0"}, []string(nil), 0
		request, fulfilled := "", ""
		members := []member{{true, secret}, {true, secret}, {true, secret}}
		live := func() stack.LiveKeyfile {
			name := strings.Join(secret, "+")
			return stack.LiveKeyfile{Keys: len(secret), Fingerprint: name, Written: name, Before: strings.Join(before, "+"), Request: fulfilled, Ours: true}
		}
		pass := func() stack.KeyfilePlan {
			var reports []stack.MemberReport
			settled := true
			for i, m := range members {
				name := strings.Join(m.keys, "+")
				settled = settled && m.running && !live().Outdates(name)
				if m.running {
					reports = append(reports, stack.MemberReport{Host: fmt.Sprint("member-", i), Known: random.IntN(5) > 0, Report: mongodb.Report{Keyfile: name}})
				}
			}
			plan := objects.Keyfile(v1alpha1.KeyfileRotationSpec{Request: request}, live(), reports, settled)
			if change := plan.Change; change != nil {
				before = secret
				if secret = secret[1:]; change.Add {
					made++
					secret, fulfilled = []string{before[0], fmt.Sprint("k", made)}, change.Request
				}
			}
			return plan
		}
		start := func(m *member, late bool) {
			*m = member{true, secret}
			if late && before != nil {
				m.keys = before
			}
		}
		for range 300 {
			m := &members[random.IntN(len(members))]
			switch random.IntN(6) {
			case 0:
				m.running = false
			case 1:
				if !m.running {
					start(m, random.IntN(3) == 0)
				}
			case 2:
				if random.IntN(5) == 0 {
					request = fmt.Sprint("request ", random.Uint64())
				}
			case 3: // what the operator does with outdated members, while the others serve
				others := slices.IndexFunc(members, func(other member) bool { return !other.running }) < 0
				if others && live().Outdates(strings.Join(m.keys, "+")) {
					start(m, random.IntN(3) == 0)
				}
			default:
				pass()
			}
			for i, a := range members {
				for j, b := range members {
					shared := slices.ContainsFunc(a.keys, func(key string) bool { return slices.Contains(b.keys, key) })
					if a.running && b.running && !shared {
						t.Fatalf("seed %d: member %d has %v and member %d has %v", seed, i, a.keys, j, b.keys)
					}
				}
			}
		}
		for range 50 {
			pass()
			for i := range members {
				start(&members[i], false)
			}
		}
		if plan := pass(); plan.Change != nil || len(secret) != 1 || fulfilled != request && request != "" {
			t.Fatalf("seed %d: it ends with %v, having fulfilled %q of %q: %+v", seed, secret, fulfilled, request, plan)
		}
	}
}

func TestNobodyIsRestartedForAKeyfileThatWasPutBackFromAnOldCopy(t *testing.T) {
	now := stack.LiveKeyfile{Keys: 1, Fingerprint: "k1", Written: "k1", Before: "k0+k1", Ours: true}
	old := stack.LiveKeyfile{Keys: 1, Fingerprint: "k0", Written: "k0", Ours: true}
	for name, test := range map[string]struct {
		live              stack.LiveKeyfile
		startedWith       string
		outdated, strange bool
	}{
		"in the middle of a rotation":  {now, "k0+k1", true, false},
		"at rest":                      {now, "k1", false, false},
		"an old copy":                  {old, "k1", false, true},
		"an old copy, in the middle":   {old, "k0+k1", false, true},
		"what the agent does not know": {now, "", false, false},
	} {
		if test.live.Outdates(test.startedWith) != test.outdated || test.live.Strange(test.startedWith) != test.strange {
			t.Errorf("%s: outdated %v, strange %v", name, test.live.Outdates(test.startedWith), test.live.Strange(test.startedWith))
		}
	}
}

func TestAKeyfileThatSomebodyEditedIsLeftAlone(t *testing.T) {
	objects := build(v1alpha1.ChatPDFDeploymentSpec{}, nil)
	asked := v1alpha1.KeyfileRotationSpec{Request: "now"}
	known := []stack.MemberReport{{Host: "a", Known: true, Report: mongodb.Report{Keyfile: "x"}}}
	for name, test := range map[string]struct {
		live    stack.LiveKeyfile
		members []stack.MemberReport
		change  bool
		waits   bool
		edited  bool
	}{
		"as it was made":         {stack.LiveKeyfile{Keys: 1, Fingerprint: "x", Written: "x", Ours: true}, known, true, false, false},
		"of an earlier release":  {stack.LiveKeyfile{Keys: 1, Fingerprint: "x", Ours: true}, known, true, false, false},
		"edited":                 {stack.LiveKeyfile{Keys: 1, Fingerprint: "y", Written: "x", Ours: true}, known, false, false, true},
		"unreadable":             {stack.LiveKeyfile{Fingerprint: "y", Written: "x", Ours: true}, known, false, false, true},
		"somebody else's":        {stack.LiveKeyfile{Keys: 1, Fingerprint: "y", Written: "x"}, known, false, false, false},
		"asked for and done":     {stack.LiveKeyfile{Keys: 1, Fingerprint: "x", Written: "x", Request: "now", Ours: true}, known, false, false, false},
		"an agent of long ago":   {stack.LiveKeyfile{Keys: 1, Fingerprint: "x", Written: "x", Ours: true}, []stack.MemberReport{{Host: "a", Known: true, Report: mongodb.Report{Mute: true}}}, false, true, false},
		"half-way":               {stack.LiveKeyfile{Keys: 2, Fingerprint: "x", Written: "x", Ours: true}, known, true, false, false},
		"half-way, one to start": {stack.LiveKeyfile{Keys: 2, Fingerprint: "z", Written: "z", Ours: true}, known, false, true, false},
	} {
		plan := objects.Keyfile(asked, test.live, test.members, true)
		if (plan.Change != nil) != test.change || (plan.Waits != "") != test.waits || test.live.Edited() != test.edited {
			t.Errorf("%s: %+v, edited: %v", name, plan, test.live.Edited())
		}
		if test.edited && test.live.Outdates("x") {
			t.Errorf("%s: members are restarted for it", name)
		}
	}
}
