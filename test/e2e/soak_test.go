//go:build e2e && soak

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"chatpdf.dev/operator/api/v1alpha1"
)

const (
	// soakKills of the primary's process, and soakRounds of everything else in between, each in an order
	// of its own.
	soakKills  = 20
	soakRounds = 3
)

// The same as TestDatabaseLosesNoAcknowledgedWrite for hours: every act again and again, in any order,
// while the operator is killed at random. SOAK_SEED repeats an order; how the cluster's own timing falls
// is chance all the same.
func TestDatabaseSoak(t *testing.T) {
	seed := soakSeed(t)
	random := rand.New(rand.NewPCG(seed, seed))
	fmt.Printf("NOTE repeat this order with SOAK_SEED=%d\n", seed)
	d := newTrial(t, "soak", growing, func(m *v1alpha1.MongoDBSpec) { m.Members = 3 })
	resize := func(members int) func(t *testing.T) {
		return func(t *testing.T) { d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"members":%d}}}`, members)) }
	}
	type step struct {
		name string
		do   func(t *testing.T)
	}
	var steps []step
	for range soakKills {
		steps = append(steps, step{"primary killed", d.primaryKilled})
	}
	for round := range soakRounds {
		cpu := 60 + 10*round
		steps = append(steps,
			step{"primary's pod deleted", d.primaryDeleted},
			step{"primary's volume lost", func(t *testing.T) { d.loseVolume(t, d.member(t, "PRIMARY")) }},
			step{"secondary's volume lost", func(t *testing.T) { d.loseVolume(t, d.member(t, "SECONDARY")) }},
			step{"primary's node drained", func(t *testing.T) { d.drain(t, d.member(t, "PRIMARY").Spec.NodeName) }},
			step{"members restarted for new resources", func(t *testing.T) { d.rolling(t, cpu) }},
			step{"volumes grown", d.growVolumes},
			step{"passwords replaced", d.replacePasswords},
			step{"authority and certificate replaced", d.replaceAuthority},
			step{"keyfile replaced", d.replaceKeyfile},
			step{"primary fenced and released", d.fencePrimary},
			step{"agent in a crash loop", func(t *testing.T) { agentBrokenDatabaseAlone(t, d.member(t, "PRIMARY")) }},
			step{"operator upgraded and rolled back", d.upgradeOperator},
			step{"members 3 to 1 to 3", func(t *testing.T) {
				resize(1)(t)
				eventually(t, "one member", d.whole)
				resize(3)(t)
			}},
			step{"members 3 to 5 to 3", func(t *testing.T) {
				resize(5)(t)
				eventually(t, "five members", d.whole)
				resize(3)(t)
			}},
		)
	}
	random.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	for i, s := range steps {
		do := s.do
		if random.IntN(3) == 0 {
			period := operatorLives + time.Duration(random.IntN(20))*time.Second
			s.name += ", operator killed"
			do = func(t *testing.T) {
				whileKilling(t, period, func() {
					s.do(t)
					eventually(t, "the database is whole again", d.whole)
				})
			}
		}
		d.act(t, fmt.Sprintf("%d of %d: %s", i+1, len(steps), s.name), do)
	}
}

func soakSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SOAK_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SOAK_SEED is %q, not a number: %v", text, err)
	}
	return seed
}
