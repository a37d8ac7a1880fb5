package replset_test

import (
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/replset"
)

func TestAUserGoesWhenAnotherHasTakenItsPlaceAndNobodyUsesIt(t *testing.T) {
	t.Parallel()
	const second, fresh = mongodb.AppUsername + "-2", "another-password"
	o := newOperatorOn(t, 3, 3)
	o.settle()
	users := func() []string {
		client := connect(t, o.cluster, o.cluster.Hosts(3), mongodb.AdminUsername, o.cluster.AdminPassword)
		var reply struct {
			Users []struct {
				User string `bson:"user"`
			} `bson:"users"`
		}
		admin(t, client, bson.D{{Key: "usersInfo", Value: 1}}, &reply)
		var names []string
		for _, u := range reply.Users {
			names = append(names, u.User)
		}
		return names
	}

	o.change(func(c *replset.Credentials) { c.App.Next = replset.Login{Username: second, Password: fresh} })
	o.until("the next user", func() bool {
		return o.watcher.Snapshot(o.key).NextUsers[second] == mongodb.UserPresent
	})
	if snapshot := o.watcher.Snapshot(o.key); snapshot.AppUser != mongodb.UserPresent || len(snapshot.Retired) > 0 {
		t.Fatalf("the first user is %s, retired are %v", snapshot.AppUser, snapshot.Retired)
	}

	// A client of the first user has a connection to a secondary, which the primary does not know of.
	secondary := o.cluster.Hosts(3)[(primaryOf(o)+1)%3]
	old := connect(t, o.cluster, []string{secondary}, mongodb.AppUsername, appPassword)
	admin(t, old, bson.D{{Key: "ping", Value: 1}}, nil)
	o.change(func(c *replset.Credentials) {
		c.App = replset.Rotating{Login: replset.Login{Username: second, Password: fresh}, Replaced: mongodb.AppUsername}
	})
	o.until("the first user to be retired", func() bool {
		return slices.Equal(o.watcher.Snapshot(o.key).Retired, []mongodb.RetiredUser{{Username: mongodb.AppUsername, InUse: true}})
	})
	for range 3 {
		if err := o.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Contains(users(), mongodb.AppUsername) || o.count(mongodb.DropUser) > 0 {
		t.Fatal("a user was removed while a client had a connection of it")
	}
	if err := o.watcher.Execute(t.Context(), o.key, mongodb.Step{Kind: mongodb.DropUser, Username: mongodb.AppUsername}); err == nil {
		t.Error("the last look did not see the connection")
	}
	if err := o.watcher.Execute(t.Context(), o.key, mongodb.Step{Kind: mongodb.DropUser, Username: second}); err == nil {
		t.Error("a user that a Secret names was removed")
	}

	if err := old.Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.start() // so that nobody waits for the next sample
	o.until("the first user to be gone", func() bool { return o.decision.Settled && !slices.Contains(users(), mongodb.AppUsername) })
	if got := users(); !slices.Contains(got, second) || !slices.Contains(got, mongodb.AdminUsername) || !slices.Contains(got, mongodb.MetricsUsername) {
		t.Errorf("users are %v", got)
	}
	if client := connect(t, o.cluster, o.cluster.Hosts(3), second, fresh); client.Database("chatpdf").RunCommand(t.Context(), bson.D{{Key: "ping", Value: 1}}).Err() != nil {
		t.Error("the second user does not log in")
	}
}

// TestTheOperatorsPasswordIsReplacedEvenIfItDiesInBetween starts another operator after the database has learned the next
// password and before the Secret says that it is the present one.
func TestTheOperatorsPasswordIsReplacedEvenIfItDiesInBetween(t *testing.T) {
	t.Parallel()
	const fresh = "another-password"
	o := newOperatorOn(t, 1, 1)
	o.settle()
	succeeded := func() bool { return o.watcher.Snapshot(o.key).Login == mongodb.LoginSucceeded }
	o.change(func(c *replset.Credentials) {
		c.Admin.Next = replset.Login{Username: mongodb.AdminUsername, Password: fresh}
	})
	o.until("the next password", func() bool {
		return o.watcher.Snapshot(o.key).NextUsers[mongodb.AdminUsername] == mongodb.UserPresent
	})
	if o.count(mongodb.EnsureAdminPassword) != 1 {
		t.Errorf("it was given %d times", o.count(mongodb.EnsureAdminPassword))
	}
	o.stop()
	o.start()
	o.until("a login with the next password", succeeded)
	o.change(func(c *replset.Credentials) {
		c.Admin = replset.Rotating{Login: replset.Login{Username: mongodb.AdminUsername, Password: fresh}}
	})
	o.until("all to be settled", func() bool { return o.decision.Settled && succeeded() })
	ping := func(password string) error {
		client := connect(t, o.cluster, o.cluster.Hosts(1), mongodb.AdminUsername, password)
		return client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "ping", Value: 1}}).Err()
	}
	if err := ping(fresh); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if err := ping(o.cluster.AdminPassword); err == nil {
		t.Error("the old password still logs in")
	}
}
