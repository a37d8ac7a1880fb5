package replset

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"chatpdf.dev/operator/internal/mongodb"
)

// appDatabase is where the application keeps everything.
const appDatabase = "chatpdf"

// applicationUser keeps what was last known while nobody can say.
func (s *session) applicationUser(ctx context.Context, primary string) mongodb.UserState {
	if state := s.askApplicationUser(ctx, primary); state != mongodb.UserUnknown {
		s.appUser = state
	}
	return s.appUser
}

// askApplicationUser says whether the application's user exists with its role, and whether its
// password logs in. The password is tried once for each client, not at every look.
func (s *session) askApplicationUser(ctx context.Context, primary string) mongodb.UserState {
	var reply struct {
		Users []struct {
			Roles []struct {
				Role     string `bson:"role"`
				Database string `bson:"db"`
			} `bson:"roles"`
		} `bson:"users"`
	}
	name := bson.D{{Key: "user", Value: s.credentials.AppUsername}, {Key: "db", Value: "admin"}}
	if err := run(ctx, s.client, readpref.Primary(), bson.D{{Key: "usersInfo", Value: name}}, &reply); err != nil {
		return mongodb.UserUnknown
	}
	may := false
	for _, user := range reply.Users {
		for _, role := range user.Roles {
			may = may || role.Role == "readWrite" && role.Database == appDatabase
		}
	}
	switch {
	case !may:
		s.appPassword = ""
		return mongodb.UserMissing
	case s.appPassword == s.credentials.AppPassword:
		return mongodb.UserPresent
	}
	client, err := s.direct(primary, s.credentials.AppUsername, s.credentials.AppPassword)
	if err != nil {
		return mongodb.UserUnknown
	}
	defer disconnect(client)
	switch err := run(ctx, client, readpref.Nearest(), bson.D{{Key: "ping", Value: 1}}, nil); {
	case isAuthenticationFailure(err):
		return mongodb.UserMissing
	case err != nil:
		return mongodb.UserUnknown
	}
	s.appPassword = s.credentials.AppPassword
	return mongodb.UserPresent
}

// ensureUsers makes the application's user, or gives it its role and password again.
func (s *session) ensureUsers(ctx context.Context) error {
	fresh, err := s.target.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("reading the credentials of the database: %w", err)
	}
	s.credentials.AppUsername, s.credentials.AppPassword = fresh.AppUsername, fresh.AppPassword
	if fresh.AppUsername == "" || fresh.AppPassword == "" {
		return fmt.Errorf("the Secret of the application's database user lacks username or password: put both back")
	}
	command := func(verb string) bson.D {
		return bson.D{
			{Key: verb, Value: fresh.AppUsername},
			{Key: "pwd", Value: fresh.AppPassword},
			{Key: "roles", Value: bson.A{bson.D{{Key: "role", Value: "readWrite"}, {Key: "db", Value: appDatabase}}}},
			{Key: "writeConcern", Value: bson.D{{Key: "w", Value: "majority"}}},
		}
	}
	err = run(ctx, s.client, readpref.Primary(), command("createUser"), nil)
	if hasCode(err, codeUserExists) {
		err = run(ctx, s.client, readpref.Primary(), command("updateUser"), nil)
	}
	if err != nil {
		return fmt.Errorf("making the application's database user: %w", err)
	}
	return nil
}
