//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/hack/rig"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/keyfile"
	"chatpdf.dev/operator/internal/mongodb/trust"
)

// trial is one replica set under a steady stream of writes, to which things are done.
type trial struct {
	key      client.ObjectKey
	ledger   *ledger
	requests int
}

// request is a text that was not there before: what is done once for each is done again.
func (d *trial) request() string {
	d.requests++
	return "by the test, " + strconv.Itoa(d.requests)
}

// act does something to the database, waits until it is whole again, and reports what became of the
// writes. Whatever was done, none that was acknowledged may be lost.
func (d *trial) act(t *testing.T, name string, do func(t *testing.T)) {
	t.Helper()
	passed := t.Run(name, func(t *testing.T) {
		mark := d.ledger.mark()
		do(t)
		eventually(t, "the database is whole again", d.whole)
		healed := d.ledger.mark()
		eventually(t, "writes are acknowledged", func(context.Context) error { return d.ledger.advanced(healed) })
		b, err := d.ledger.balance(t.Context(), mark)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("NOTE %s acknowledged %d lost %d longest-gap %.1f s\n", name, b.acknowledged, b.lost, b.longestGap.Seconds())
		if b.lost > 0 {
			t.Errorf("%d acknowledged writes are lost", b.lost)
		}
	})
	if !passed {
		t.FailNow() // what follows would be done to a database that is not whole
	}
}

// whole says that all members wanted are there, serve and follow, and that the operator has nothing left to do.
func (d *trial) whole(ctx context.Context) error {
	deployment, err := d.get(ctx)
	if err != nil {
		return err
	}
	s := deployment.Status
	wanted := fmt.Sprintf("%[1]d/%[1]d", max(1, deployment.Spec.MongoDB.Members))
	switch {
	case s.ObservedGeneration != deployment.Generation:
		return fmt.Errorf("generation %d is not observed yet", deployment.Generation)
	case s.MongoDB.Ready != wanted || len(s.MongoDB.Members) != max(1, int(deployment.Spec.MongoDB.Members)):
		return fmt.Errorf("members %s of %s: %v", s.MongoDB.Ready, wanted, s.MongoDB.Members)
	}
	for _, name := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionDatabaseHealthy} {
		if c := meta.FindStatusCondition(s.Conditions, name); c == nil || c.Status != metav1.ConditionTrue {
			return fmt.Errorf("not %s: %v", name, c)
		}
	}
	return nil
}

func (d *trial) get(ctx context.Context) (*v1alpha1.ChatPDFDeployment, error) {
	deployment := &v1alpha1.ChatPDFDeployment{}
	return deployment, cluster.Get(ctx, d.key, deployment)
}

func (d *trial) patch(t *testing.T, patch string) {
	t.Helper()
	deployment := &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: d.key.Namespace, Name: d.key.Name}}
	if err := cluster.Patch(t.Context(), deployment, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

// replacePasswords waits until the Secret names another user, reads it again as every client has to, and waits
// until the user of before may no longer log in.
func (d *trial) replacePasswords(t *testing.T) {
	before := d.ledger.uri(t)
	d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"passwordRotation":{"request":%q}}}}`, d.request()))
	eventually(t, "the Secret names another user", func(context.Context) error {
		if d.ledger.uri(t) == before {
			return errors.New("it is as before")
		}
		return nil
	})
	d.ledger.reconnect(t)
	eventually(t, "the user of before is gone", func(ctx context.Context) error {
		// A connection that stayed would keep the user from being removed.
		old, err := d.ledger.connect(before)
		if err != nil {
			return err
		}
		defer old.Disconnect(ctx) //nolint:errcheck // nothing is in flight
		switch err := old.Ping(ctx, nil); {
		case err == nil:
			return errors.New("it may still log in")
		case !strings.Contains(err.Error(), "AuthenticationFailed"):
			return err
		}
		return nil
	})
}

// replaceAuthority reads which authorities to trust while there are two, as every client has to, and waits until there is
// the new one alone and every member serves what it has signed. Nothing may be restarted.
func (d *trial) replaceAuthority(t *testing.T) {
	before := d.pods(t)
	d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"tls":{"renewRequest":%q}}}}`, d.request()))
	authorities := func() []*x509.Certificate {
		found, err := trust.Parse(d.ledger.ca(t))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	expect := func(n int) {
		eventually(t, fmt.Sprintf("%d authorities are trusted", n), func(context.Context) error {
			if found := len(authorities()); found != n {
				return fmt.Errorf("%d are", found)
			}
			return nil
		})
	}
	expect(2)
	d.ledger.reconnect(t)
	eventually(t, "the new one has signed", func(ctx context.Context) error {
		var secret corev1.Secret
		if err := cluster.Get(ctx, client.ObjectKey{Namespace: d.key.Namespace, Name: d.key.Name + "-mongodb-tls"}, &secret); err != nil {
			return err
		}
		chain, err := trust.Parse(secret.Data["tls.crt"])
		if err == nil {
			err = chain[0].CheckSignatureFrom(authorities()[0])
		}
		return err
	})
	expect(1)
	d.ledger.reconnect(t)
	for _, pod := range d.pods(t) {
		address := net.JoinHostPort(pod.Status.PodIP, "27017")
		eventually(t, pod.Name+" serves what the new authority signed", func(ctx context.Context) error {
			dialer := tls.Dialer{Config: &tls.Config{RootCAs: d.ledger.trust.Load(), ServerName: "localhost", MinVersion: tls.VersionTLS12}}
			connection, err := dialer.DialContext(ctx, "tcp", address)
			if err == nil {
				err = connection.Close()
			}
			return err
		})
	}
	for i, pod := range d.pods(t) {
		if pod.UID != before[i].UID {
			t.Errorf("%s was restarted for a certificate", pod.Name)
		}
	}
}

// replaceKeyfile waits until every member has started with the new key alone.
func (d *trial) replaceKeyfile(t *testing.T) {
	read := func(ctx context.Context) (secret corev1.Secret, err error) {
		err = cluster.Get(ctx, client.ObjectKey{Namespace: d.key.Namespace, Name: d.key.Name + "-mongodb-keyfile"}, &secret)
		return secret, err
	}
	before, err := read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.restarted(t, func() {
		d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"keyfileRotation":{"request":%q}}}}`, d.request()))
	})
	var written metav1.Time
	eventually(t, "another keyfile", func(ctx context.Context) error {
		now, err := read(ctx)
		if err != nil {
			return err
		}
		keys, err := keyfile.Parse(now.Data["keyfile"])
		if err != nil || len(keys) != 1 || bytes.Equal(now.Data["keyfile"], before.Data["keyfile"]) {
			return fmt.Errorf("%d keys: %w", len(keys), err)
		}
		for _, entry := range now.ManagedFields {
			if entry.Time.After(written.Time) {
				written = *entry.Time
			}
		}
		return nil
	})
	eventually(t, "every member is restarted with it", func(context.Context) error {
		for _, pod := range d.pods(t) {
			if pod.CreationTimestamp.Before(&written) {
				return fmt.Errorf("%s is older", pod.Name)
			}
		}
		return nil
	})
}

// growVolumes asks for a quarter more, and waits until every member's volume has it. Nothing may be restarted.
func (d *trial) growVolumes(t *testing.T) {
	deployment, err := d.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	size := deployment.Status.MongoDB.VolumeSize.DeepCopy()
	size.Set(size.Value() + size.Value()/4)
	before := d.pods(t)
	d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"storage":{"size":"%d"}}}}`, size.Value()))
	for _, pod := range before {
		eventually(t, "the volume of "+pod.Name+" has grown", func(ctx context.Context) error {
			var claim corev1.PersistentVolumeClaim
			if err := cluster.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: "data-" + pod.Name}, &claim); err != nil {
				return err
			}
			if has := claim.Status.Capacity[corev1.ResourceStorage]; has.Cmp(size) < 0 {
				return fmt.Errorf("it has %s of %s", has.String(), size.String())
			}
			return nil
		})
	}
	for i, pod := range d.pods(t) {
		if pod.UID != before[i].UID {
			t.Errorf("%s was restarted for a larger volume", pod.Name)
		}
	}
}

// fencePrimary keeps the primary from running for a while, during which the others take writes, and lets it go again.
func (d *trial) fencePrimary(t *testing.T) {
	primary := d.member(t, "PRIMARY")
	ordinal := primary.Name[strings.LastIndex(primary.Name, "-")+1:]
	d.patch(t, fmt.Sprintf(`{"spec":{"mongodb":{"fencedMembers":[%s]}}}`, ordinal))
	fenced := d.member(t, "FENCED")
	if fenced.Name != primary.Name {
		t.Fatalf("%s is fenced instead of %s", fenced.Name, primary.Name)
	}
	mark := d.ledger.mark()
	eventually(t, "writes are acknowledged without it", func(context.Context) error { return d.ledger.advanced(mark) })
	if running := mongodOf(t, fenced); len(running) > 0 {
		t.Errorf("mongod runs in %s as %v", fenced.Name, running)
	}
	d.patch(t, `{"spec":{"mongodb":{"fencedMembers":null}}}`)
}

// member is the pod of the first member in a state.
func (d *trial) member(t *testing.T, state string) *corev1.Pod {
	t.Helper()
	var found corev1.Pod
	eventually(t, "a member is "+state, func(ctx context.Context) error {
		deployment, err := d.get(ctx)
		if err != nil {
			return err
		}
		for _, m := range deployment.Status.MongoDB.Members {
			if m.State == state {
				return cluster.Get(ctx, client.ObjectKey{Namespace: d.key.Namespace, Name: m.Name}, &found)
			}
		}
		return fmt.Errorf("members %v", deployment.Status.MongoDB.Members)
	})
	return &found
}

// changed waits until the pod of that name is another one, or its mongod was started again, and runs.
func changed(t *testing.T, before *corev1.Pod) {
	t.Helper()
	eventually(t, before.Name+" is started anew", func(ctx context.Context) error {
		var now corev1.Pod
		if err := cluster.Get(ctx, client.ObjectKeyFromObject(before), &now); err != nil {
			return err
		}
		for _, s := range now.Status.ContainerStatuses {
			again := now.UID != before.UID || s.RestartCount > before.Status.ContainerStatuses[0].RestartCount
			if s.Name == "mongod" && again && s.State.Running != nil {
				return nil
			}
		}
		return fmt.Errorf("pod %s, containers %+v", now.UID, now.Status.ContainerStatuses)
	})
}

// killMongod ends the process as the kernel does when memory runs out: without a word.
func killMongod(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	found := mongodOf(t, pod)
	if len(found) != 1 {
		t.Fatalf("processes %v are the mongod of %s", found, pod.Name)
	}
	if err := asRoot(t.Context(), "kill", "-9", found[0]); err != nil {
		t.Fatal(err)
	}
}

// mongodOf are the ids of the pod's processes that are mongod.
func mongodOf(t *testing.T, pod *corev1.Pod) (found []string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range processes {
		groups, err := os.ReadFile(file)
		line, lineErr := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if err != nil || lineErr != nil || !strings.Contains(string(groups), string(pod.UID)) || !strings.HasPrefix(string(line), "mongod\x00") {
			continue
		}
		found = append(found, filepath.Base(filepath.Dir(file)))
	}
	return found
}

func asRoot(ctx context.Context, name string, args ...string) error {
	if os.Geteuid() != 0 {
		name, args = "sudo", append([]string{"--", name}, args...)
	}
	if output, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, output)
	}
	return nil
}

// loseVolume deletes the member's volume with all that it holds, and then its pod.
func (d *trial) loseVolume(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: "data-" + pod.Name}}
	if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(claim), claim); err != nil {
		t.Fatal(err)
	}
	before := claim.UID
	if err := cluster.Delete(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Delete(t.Context(), pod.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the member has another volume", func(ctx context.Context) error {
		if err := cluster.Get(ctx, client.ObjectKeyFromObject(claim), claim); err != nil {
			return err
		}
		if claim.UID == before || claim.Status.Phase != corev1.ClaimBound {
			return fmt.Errorf("claim %s is %s", claim.UID, claim.Status.Phase)
		}
		return nil
	})
	changed(t, pod)
}

// drain empties a node as an administrator does before maintenance, and gives it back.
func (d *trial) drain(t *testing.T, node string) {
	t.Helper()
	kubectl := func(args ...string) {
		command := exec.CommandContext(t.Context(), cluster.Kubectl, append([]string{"--kubeconfig", cluster.Kubeconfig}, args...)...)
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, output)
		}
	}
	t.Cleanup(func() {
		_ = exec.Command(cluster.Kubectl, "--kubeconfig", cluster.Kubeconfig, "uncordon", node).Run() // it is uncordoned already if all went well
	})
	kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout", soon.String())
	eventually(t, "the others have a primary", func(ctx context.Context) error {
		deployment, err := d.get(ctx)
		if err != nil {
			return err
		}
		if c := meta.FindStatusCondition(deployment.Status.Conditions, v1alpha1.ConditionDatabaseAvailable); c == nil || isTrue(*c) != nil {
			return fmt.Errorf("DatabaseAvailable: %v", c)
		}
		return nil
	})
	kubectl("uncordon", node)
}

// upgradeOperator installs an operator that brings another agent, and then the one of before: each time every agent is
// exchanged, and no mongod restarts.
func (d *trial) upgradeOperator(t *testing.T) {
	next, err := cluster.LoadAgent(t.Context(), "another")
	if err != nil {
		t.Fatal(err)
	}
	before := map[types.UID]string{}
	for _, pod := range d.pods(t) {
		before[pod.UID] = pod.Status.ContainerStatuses[0].ContainerID
	}
	for _, image := range []string{next, cluster.Images.DBAgent} {
		if err := cluster.InstallOperator(t.Context(), rig.ImageSettings("dbagent", image)...); err != nil {
			t.Fatal(err)
		}
		eventually(t, "every agent is the operator's", func(context.Context) error {
			for _, pod := range d.pods(t) {
				if agent := pod.Status.InitContainerStatuses[0]; pod.Spec.InitContainers[0].Image != image || !agent.Ready ||
					mongodb.ParseAgentUpdate(pod.Annotations).Pending(agent.ContainerID, image) {
					return fmt.Errorf("the agent of %s: %s, %+v", pod.Name, pod.Spec.InitContainers[0].Image, agent)
				}
			}
			return nil
		})
	}
	for _, pod := range d.pods(t) {
		if was, mongod := before[pod.UID], pod.Status.ContainerStatuses[0]; was != mongod.ContainerID {
			t.Errorf("mongod of %s was %q and is %s: it was restarted", pod.Name, was, mongod.ContainerID)
		}
	}
}

// restarted waits until every member's pod is another one.
func (d *trial) restarted(t *testing.T, do func()) {
	t.Helper()
	before := map[string]types.UID{}
	for _, pod := range d.pods(t) {
		before[pod.Name] = pod.UID
	}
	do()
	eventually(t, "every member is restarted", func(ctx context.Context) error {
		for _, pod := range d.pods(t) {
			if before[pod.Name] == pod.UID {
				return fmt.Errorf("%s is the same pod still", pod.Name)
			}
		}
		return nil
	})
}

func (d *trial) pods(t *testing.T) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	if err := cluster.List(t.Context(), &pods, client.InNamespace(d.key.Namespace), client.MatchingLabels{
		"app.kubernetes.io/instance": d.key.Name, "app.kubernetes.io/component": "mongodb",
	}); err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

// killOperator ends the operator's pods without letting them finish or hand over.
func killOperator(ctx context.Context) error {
	return cluster.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(rig.OperatorNamespace),
		client.MatchingLabels{"app.kubernetes.io/name": "chatpdf-operator"}, client.GracePeriodSeconds(0))
}

// whileKilling kills the operator every period until do has come to its end.
func whileKilling(t *testing.T, period time.Duration, do func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	kills := 0
	go func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			if err := killOperator(ctx); err != nil {
				ended <- err
				return
			}
			kills++
			select {
			case <-ctx.Done():
				ended <- nil
				return
			case <-tick.C:
			}
		}
	}()
	do()
	stop()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	t.Log("operator killed " + strconv.Itoa(kills) + " times")
}
