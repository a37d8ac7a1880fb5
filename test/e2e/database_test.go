//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
)

// operatorLives is for how long the operator lives where it is killed again and again: less than it
// needs to take the lease of its killed predecessor over (15 s) and then for all that there is to do.
const operatorLives = 25 * time.Second

// A client writes all the time while everything is done to the database that operators and accidents
// do. Each act is reported in one line; no act may lose a write that was acknowledged.
func TestDatabaseLosesNoAcknowledgedWrite(t *testing.T) {
	besideOthers(t)
	d := newTrial(t, "acts", growing)
	grow := func(members int) func(t *testing.T) {
		return func(t *testing.T) { d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"members":%d}}}`, members)) }
	}
	d.act(t, "members 1 to 3", grow(3))
	d.act(t, "primary killed", d.primaryKilled)
	d.act(t, "primary's pod deleted", d.primaryDeleted)
	d.act(t, "members restarted for new resources", func(t *testing.T) { d.rolling(t, 60) })
	if !thorough() {
		fmt.Println("NOTE the other acts are done by: make e2e RUN=Database")
		return
	}
	d.act(t, "primary killed again", d.primaryKilled)
	d.act(t, "passwords replaced", d.replacePasswords)
	d.act(t, "authority and certificate replaced", d.replaceAuthority)
	d.act(t, "keyfile replaced", d.replaceKeyfile)
	d.act(t, "volumes grown", d.growVolumes)
	d.act(t, "primary fenced and released", d.fencePrimary)
	d.act(t, "primary's volume lost", func(t *testing.T) { d.loseVolume(t, d.member(t, "PRIMARY")) })
	d.act(t, "primary's node drained", func(t *testing.T) { d.drain(t, d.member(t, "PRIMARY").Spec.NodeName) })
	d.act(t, "agent in a crash loop", func(t *testing.T) { agentBrokenDatabaseAlone(t, d.member(t, "PRIMARY")) })
	d.act(t, "operator upgraded and rolled back", d.upgradeOperator)
	d.act(t, "members 3 to 5, operator killed", func(t *testing.T) {
		whileKilling(t, operatorLives, func() {
			grow(5)(t)
			eventually(t, "five members", d.whole)
		})
	})
	d.act(t, "members 5 to 3", grow(3))
	d.act(t, "members 3 to 1", grow(1))
}

// A database is walked from one major series of MongoDB to the next and to its newest patch release,
// with a client writing all the while; and does not go where it would not open its data.
func TestDatabaseWalksThroughVersions(t *testing.T) {
	if !thorough() {
		t.Skip("takes minutes: make e2e RUN=Database")
	}
	images := map[string]string{}
	for _, version := range []string{"5.0.4", "6.0.5", "6.0.27"} {
		image, err := cluster.LoadMongoDB(t.Context(), version)
		if err != nil {
			t.Fatal(err)
		}
		images[version] = image
	}
	d := newTrial(t, "versions", func(m *v1alpha1.MongoDBSpec) { m.Image, m.Members = images["5.0.4"], 3 })
	to := func(image string) func(t *testing.T) {
		return func(t *testing.T) {
			d.restarted(t, func() { d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"image":%q}}}`, image)) })
		}
	}
	says := func(reason, part string) {
		t.Helper()
		eventually(t, reason, condition(d.key, v1alpha1.ConditionStalled, func(c metav1.Condition) error {
			if c.Reason != reason || !strings.Contains(c.Message, part) {
				return fmt.Errorf("%s: %s", c.Reason, c.Message)
			}
			return nil
		}))
	}
	d.patch(t, `{"spec":{"mongodb":{"image":"docker.io/library/mongo:7.0.2"}}}`)
	says("VersionRefused", "6.0 first")

	d.act(t, "MongoDB 5.0.4 to 6.0.5", to(images["6.0.5"]))
	d.act(t, "feature compatibility 5.0 to 6.0", func(t *testing.T) {
		d.patch(t, `{"spec":{"mongodb":{"featureCompatibilityVersion":"6.0"}}}`)
		eventually(t, "the data are raised", func(ctx context.Context) error {
			deployment, err := d.get(ctx)
			if got := deployment.Status.MongoDB.FeatureCompatibilityVersion; err == nil && got != "6.0" {
				err = fmt.Errorf("feature compatibility %q", got)
			}
			return err
		})
	})
	d.act(t, "MongoDB 6.0.5 to 6.0.27", to(images["6.0.27"]))

	d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"image":%q}}}`, images["5.0.4"]))
	says("VersionRefused", "would not open the data")
	// An image that cannot be had stops at the first member.
	d.act(t, "an image that does not start", func(t *testing.T) {
		d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"image":%q,"featureCompatibilityVersion":null}}}`, imageOfNowhere))
		says("DatabaseWentBack", imageOfNowhere)
		d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"image":%q}}}`, images["6.0.27"]))
	})
}

// imageOfNowhere has a version that would do.
const imageOfNowhere = "127.0.0.1:1/library/mongo:6.0.28"

// thorough says that somebody asked for these tests by name and wants all of them.
func thorough() bool { return os.Getenv("E2E_THOROUGH") != "" }

// besideOthers lets a test run beside others, which have namespaces of their own, unless all acts are asked
// for: those drain nodes and kill the operator, and their gaps are measured.
func besideOthers(t *testing.T) {
	t.Helper()
	if !thorough() {
		t.Parallel()
	}
}

// growing puts the database on volumes that can grow, where all acts are asked for: the cluster has a CSI driver then.
func growing(m *v1alpha1.MongoDBSpec) {
	if thorough() {
		m.Storage.StorageClassName = "growing"
	}
}

// newTrial makes a small ChatPDF and begins to write into its database.
func newTrial(t *testing.T, name string, change ...func(*v1alpha1.MongoDBSpec)) *trial {
	t.Helper()
	deployment := sample(t, "minimal", namespace(t, name))
	deployment.Name = name
	for _, c := range change {
		c(&deployment.Spec.MongoDB)
	}
	quantity := func(s string) *resource.Quantity { q := resource.MustParse(s); return &q }
	deployment.Spec.MongoDB.Resources = v1alpha1.ResourcesSpec{
		Requests: v1alpha1.ResourceQuantities{CPU: quantity("50m"), Memory: quantity("384Mi")},
		Limits:   v1alpha1.ResourceQuantities{CPU: quantity("2"), Memory: quantity("640Mi")},
	}
	key := create(t, deployment)
	ready(t, key)
	d := &trial{key: key, ledger: openLedger(t, key)}
	// A gap counts from the write before it.
	eventually(t, "the first writes are acknowledged", func(context.Context) error { return d.ledger.advanced(0) })
	return d
}

func (d *trial) primaryKilled(t *testing.T) {
	primary := d.member(t, "PRIMARY")
	killMongod(t, primary)
	changed(t, primary)
}

func (d *trial) primaryDeleted(t *testing.T) {
	primary := d.member(t, "PRIMARY")
	if err := cluster.Delete(t.Context(), primary.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	changed(t, primary)
}

// rolling changes what shapes the members' pods.
func (d *trial) rolling(t *testing.T, milliCPU int) {
	d.restarted(t, func() {
		d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"resources":{"requests":{"cpu":"%dm"}}}}}`, milliCPU))
	})
}
