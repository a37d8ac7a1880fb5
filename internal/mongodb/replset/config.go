package replset

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/mongodb"
)

// configuration is a replica set configuration as the server wrote it: what we do not know of it
// is given back unchanged.
type configuration struct {
	document  bson.D
	committed bool
	known     knownConfig
}

type knownConfig struct {
	Version  int64         `bson:"version"`
	Term     int64         `bson:"term"`
	Members  []knownMember `bson:"members"`
	Settings struct {
		ReplicaSetID          bson.ObjectID `bson:"replicaSetId"`
		ElectionTimeoutMillis int64         `bson:"electionTimeoutMillis"`
	} `bson:"settings"`
}

type knownMember struct {
	ID       int     `bson:"_id"`
	Host     string  `bson:"host"`
	Votes    int     `bson:"votes"`
	Priority float64 `bson:"priority"`
}

// readConfig reads the configuration. Whether a majority has taken it only a primary can tell.
func readConfig(ctx context.Context, client *mongo.Client, from *readpref.ReadPref, primary bool) (*configuration, error) {
	command := bson.D{{Key: "replSetGetConfig", Value: 1}}
	if primary {
		command = append(command, bson.E{Key: "commitmentStatus", Value: true})
	}
	var reply struct {
		Config    bson.Raw `bson:"config"`
		Committed bool     `bson:"commitmentStatus"`
	}
	if err := run(ctx, client, from, command, &reply); err != nil {
		return nil, fmt.Errorf("reading the replica set configuration: %w", err)
	}
	config := &configuration{committed: reply.Committed}
	if err := bson.Unmarshal(reply.Config, &config.document); err != nil {
		return nil, fmt.Errorf("decoding the replica set configuration: %w", err)
	}
	if err := bson.Unmarshal(reply.Config, &config.known); err != nil {
		return nil, fmt.Errorf("decoding the replica set configuration: %w", err)
	}
	return config, nil
}

func (c *configuration) summary() *mongodb.Config {
	config := &mongodb.Config{Version: c.known.Version, Term: c.known.Term, Committed: c.committed,
		ElectionTimeout: time.Duration(c.known.Settings.ElectionTimeoutMillis) * time.Millisecond}
	if !c.known.Settings.ReplicaSetID.IsZero() {
		config.ReplicaSetID = c.known.Settings.ReplicaSetID.Hex()
	}
	for _, m := range c.known.Members {
		config.Members = append(config.Members, mongodb.ConfigMember{ID: m.ID, Host: m.Host, Votes: m.Votes, Priority: m.Priority})
	}
	return config
}

func (c *configuration) member(host string) (knownMember, bool) {
	for _, m := range c.known.Members {
		if m.Host == host {
			return m, true
		}
	}
	return knownMember{}, false
}

// change makes one entry of a configuration another one.
type change func(bson.E) bson.E

// next is the document of the following version, changed.
func (c *configuration) next(change change) bson.D {
	document := make(bson.D, 0, len(c.document))
	for _, e := range c.document {
		if e.Key == "version" {
			e.Value = c.known.Version + 1
		}
		document = append(document, change(e))
	}
	return document
}

// ofMembers changes the members alone.
func ofMembers(changed func(members bson.A) bson.A) change {
	return func(e bson.E) bson.E {
		if e.Key == "members" {
			members, _ := e.Value.(bson.A)
			e.Value = changed(members)
		}
		return e
	}
}

// electingAfter sets how long members do not hear of a primary before they elect another one.
func electingAfter(timeout time.Duration) change {
	return func(e bson.E) bson.E {
		settings, _ := e.Value.(bson.D)
		if e.Key != "settings" {
			return e
		}
		changed := bson.D{}
		for _, setting := range settings {
			if setting.Key == "electionTimeoutMillis" {
				setting.Value = timeout.Milliseconds()
			}
			changed = append(changed, setting)
		}
		e.Value = changed
		return e
	}
}

// with appends a member.
func with(host string, id, votes int) change {
	return ofMembers(func(members bson.A) bson.A {
		added := bson.D{{Key: "_id", Value: id}, {Key: "host", Value: host}, {Key: "votes", Value: votes}, {Key: "priority", Value: votes}}
		return append(slices.Clip(members), added)
	})
}

// without leaves one member out.
func without(host string) change {
	return keeping(func(member string) bool { return member != host })
}

// only leaves all others out.
func only(hosts []string) change {
	return keeping(func(member string) bool { return slices.Contains(hosts, member) })
}

func keeping(keep func(host string) bool) change {
	return ofMembers(func(members bson.A) bson.A {
		kept := bson.A{}
		for _, m := range members {
			if keep(hostOf(m)) {
				kept = append(kept, m)
			}
		}
		return kept
	})
}

// promoted gives one member a vote and the priority of all others.
func promoted(host string) change {
	return ofMembers(func(members bson.A) bson.A {
		all := bson.A{}
		for _, m := range members {
			document, _ := m.(bson.D)
			if hostOf(m) == host {
				changed := bson.D{}
				for _, e := range document {
					if e.Key == "votes" || e.Key == "priority" {
						e.Value = 1
					}
					changed = append(changed, e)
				}
				document = changed
			}
			all = append(all, document)
		}
		return all
	})
}

func hostOf(member any) string {
	document, _ := member.(bson.D)
	for _, e := range document {
		if e.Key == "host" {
			host, _ := e.Value.(string)
			return host
		}
	}
	return ""
}
