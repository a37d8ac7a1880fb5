package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

// follower is a client of the database that does what the application does: it reads its Secret now and then,
// logs in with what it holds by then, and closes the connections that it had.
type follower struct {
	k      *kubelet
	client *mongo.Client
	uri    string
	ca     string

	wrote  atomic.Int64
	failed atomic.Pointer[string]
}

// follow writes all the time until the test ends.
func follow(t *testing.T, k *kubelet) *follower {
	t.Helper()
	f := &follower{k: k}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		pace := time.NewTicker(20 * time.Millisecond)
		defer pace.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			<-pace.C
			err := f.write(ctx, i)
			if err != nil && ctx.Err() == nil {
				f.failed.CompareAndSwap(nil, new(err.Error()))
				return
			}
			f.wrote.Add(1)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if f.client != nil {
			f.client.Disconnect(context.Background()) //nolint:errcheck // nothing is in flight
		}
	})
	return f
}

func (f *follower) write(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var secret, authority corev1.Secret
	names := stack.NamesOf(f.k.key.Name)
	if err := f.k.Get(ctx, f.k.world.key(names.DatabaseAppSecret), &secret); err != nil {
		return err
	}
	if err := f.k.Get(ctx, f.k.world.key(names.CASecret), &authority); err != nil {
		return err
	}
	uri, ca := string(secret.Data[stack.KeyURI]), string(authority.Data[stack.KeyCACertificate])
	if uri != f.uri || ca != f.ca {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(ca))
		next, err := f.k.connect(uri, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})
		if err != nil {
			return err
		}
		if f.client != nil {
			if err := f.client.Disconnect(ctx); err != nil {
				return err
			}
		}
		f.client, f.uri, f.ca = next, uri, ca
	}
	_, err := f.client.Database("chatpdf").Collection("followed").InsertOne(ctx, bson.M{"i": i})
	return err
}

// users are the database's, apart from the operator's own.
func (k *kubelet) users(t *testing.T) []string {
	t.Helper()
	secret := get[corev1.Secret](t, k.world, mongodb.AdminSecretName(k.key.Name))
	client, err := mongo.Connect(options.Client().SetHosts([]string{k.pods.Hosts(1)[0]}).SetDirect(true).
		SetAuth(options.Credential{Username: string(secret.Data[stack.KeyUsername]), Password: string(secret.Data[stack.KeyPassword])}).
		SetTLSConfig(k.trust(t)).SetDialer(dialer(k.dial)))
	k.must(t, err)
	defer client.Disconnect(t.Context()) //nolint:errcheck // nothing is in flight
	var reply struct {
		Users []struct {
			User string `bson:"user"`
		} `bson:"users"`
	}
	k.must(t, client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "usersInfo", Value: 1}}).Decode(&reply))
	var names []string
	for _, u := range reply.Users {
		if u.User != mongodb.AdminUsername {
			names = append(names, u.User)
		}
	}
	return slices.Sorted(slices.Values(names))
}

// TestPasswordsAreReplacedWithoutAFailedRequest rotates again and again and kills the operator before each of
// its writes in turn; the application writes all the time.
func TestPasswordsAreReplacedWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	k := newKubelet(t, w, key, 1)
	o := startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	client := follow(t, k)
	templates := w.templates(t)
	logins := []string{mongodb.AppSecretName("docs"), mongodb.BackupSecretName("docs"), mongodb.MetricsSecretName("docs"), mongodb.AdminSecretName("docs")}
	for write := 0; ; write++ {
		before := w.secrets(t)
		request := fmt.Sprint("request ", write)
		w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.PasswordRotation.Request = request })
		o.stop()
		o = startOperator(t, defaultConfig, k.dial)
		o.transport.budget = write
		replaced := func() bool {
			want := make([]string, 0, len(logins))
			for _, name := range logins {
				secret := get[corev1.Secret](t, w, name)
				if secret.Annotations[stack.AnnotationRotationRequest] != request || secret.Data[stack.KeyNextUsername] != nil {
					return false
				}
				if username := string(secret.Data[stack.KeyUsername]); username != mongodb.AdminUsername {
					want = append(want, username)
				}
			}
			return slices.Equal(k.users(t), want)
		}
		k.until(t, o, "all passwords to be replaced", func() bool {
			// What was replaced stays for some minutes.
			o.clock.SetTime(o.clock.Now().Add(3 * time.Minute))
			return replaced()
		})
		died := o.transport.died()
		if died {
			o.stop()
			o = startOperator(t, defaultConfig, k.dial)
			k.until(t, o, "all passwords to be replaced", func() bool {
				o.clock.SetTime(o.clock.Now().Add(3 * time.Minute))
				return replaced()
			})
		}
		if failure := client.failed.Load(); failure != nil {
			t.Fatalf("a request failed: %s", *failure)
		}
		after := w.secrets(t)
		for name := range before {
			same := maps.EqualFunc(before[name], after[name], slices.Equal[[]byte])
			if rotates := slices.Contains(logins, name); rotates == same {
				t.Errorf("killed before write %d: Secret %s changed: %v", write, name, !same)
			}
			if rotates := slices.Contains(logins, name); rotates && (bytes.Equal(before[name][stack.KeyPassword], after[name][stack.KeyPassword]) ||
				mongodb.Successor(string(before[name][stack.KeyUsername])) != string(after[name][stack.KeyUsername])) {
				t.Errorf("killed before write %d: Secret %s has the user or the password of before", write, name)
			}
		}
		if !died {
			t.Logf("killed before each of %d writes; the application wrote %d times", write, client.wrote.Load())
			break
		}
	}
	if client.wrote.Load() == 0 {
		t.Error("the application never wrote")
	}
	o.stop()
	o = startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	if !equality.Semantic.DeepEqual(templates, w.templates(t)) {
		t.Error("a template changed: pods would be restarted")
	}
	if since := get[v1alpha1.ChatPDFDeployment](t, w, "docs").Status.MongoDB.PasswordsSince; since == nil || time.Since(since.Time) > time.Hour {
		t.Errorf("status says that the passwords are in use since %v", since)
	}

	// By schedule, and not a day sooner.
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) {
		s.MongoDB.PasswordRotation = v1alpha1.PasswordRotationSpec{EveryDays: 30}
	})
	k.ready(t, o)
	before := w.secrets(t)[logins[0]]
	if result := o.pass(t, key); result.RequeueAfter <= 0 || result.RequeueAfter > 31*24*time.Hour {
		t.Errorf("it looks again after %s", result.RequeueAfter)
	}
	o.clock.SetTime(time.Now().Add(32 * 24 * time.Hour))
	k.until(t, o, "the password to be replaced by schedule", func() bool {
		return string(w.secrets(t)[logins[0]][stack.KeyUsername]) == mongodb.Alternate(string(before[stack.KeyUsername]))
	})
	if failure := client.failed.Load(); failure != nil {
		t.Fatalf("a request failed: %s", *failure)
	}
}

// TestAMemberComesBackOnItsVolumeThoughPasswordsWereReplaced grows onto volumes of members that left before: on them are
// the users of then.
func TestAMemberComesBackOnItsVolumeThoughPasswordsWereReplaced(t *testing.T) {
	t.Parallel()
	k, o := running(t, 3)
	w, key := k.world, k.key
	k.write(t, "before")
	resize := func(n int32) {
		t.Helper()
		w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Members = n })
		k.until(t, o, fmt.Sprint(n, " members"), func() bool { return members(n)(t, k) })
	}
	resize(1)
	const request = "while two are away"
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.PasswordRotation.Request = request })
	k.until(t, o, "the operator's own password to be replaced", func() bool {
		o.clock.SetTime(o.clock.Now().Add(3 * time.Minute))
		admin := get[corev1.Secret](t, w, mongodb.AdminSecretName("docs"))
		return admin.Annotations[stack.AnnotationRotationRequest] == request && admin.Data[stack.KeyNextPassword] == nil
	})
	k.write(t, "meanwhile")
	resize(3)
	k.ready(t, o)
	if !k.wrote(t, "before") || !k.wrote(t, "meanwhile") {
		t.Error("a write is lost")
	}
}
