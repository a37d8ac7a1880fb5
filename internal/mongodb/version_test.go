package mongodb

import (
	"reflect"
	"strings"
	"testing"
)

func TestTheSeriesOfAnImageIsReadFromItsTag(t *testing.T) {
	for image, want := range map[string]Series{
		"docker.io/library/mongo:6.0.5": {6, 0},
		"mongo:8.0":                     {8, 0},
		"mongo:8.2.1-noble":             {8, 2},
		"registry.example.com:5000/mirror/mongo:7.0.15-ubi9": {7, 0},
		"mongo:4.4.29@sha256:0123456789abcdef":               {4, 4},
		"quay.io/mongodb/mongodb-community-server:v6.0.5":    {6, 0},
		"registry.example.com:5000/mongo":                    {},
		"mongo":                                              {},
		"mongo:latest":                                       {},
		"mongo:8":                                            {},
		"mongo@sha256:0123456789abcdef":                      {},
		"registry.example.com:6.0/mongo":                     {},
		"mongo:1234.0.1":                                     {},
		"mongo:6.0.5.7":                                      {},
		"mongo:6.0.5+build":                                  {},
		"":                                                   {},
		strings.Repeat("x", 500) + ":" + strings.Repeat("6.0", 50): {},
	} {
		if got := SeriesOfImage(image); got != want {
			t.Errorf("%q is of series %v, want %v", image, got, want)
		}
	}
}

func TestAnImageIsTakenUpOnlyIfItOpensTheData(t *testing.T) {
	const image = "docker.io/library/mongo:"
	for name, test := range map[string]struct {
		from, to string
		data     Series
		fresh    bool
		reason   string // empty: taken up
		message  string // a part of it
	}{
		"nothing there yet, any image":        {"", "chatpdf:dev", Series{}, true, "", ""},
		"a patch forward":                     {"6.0.5", "6.0.27", Series{6, 0}, false, "", ""},
		"a patch back":                        {"6.0.27", "6.0.5", Series{6, 0}, false, "", ""},
		"the next major":                      {"5.0.4", "6.0.5", Series{5, 0}, false, "", ""},
		"the first major that counts by ones": {"4.4.29", "5.0.4", Series{4, 4}, false, "", ""},
		"back before the data were raised":    {"6.0.5", "5.0.4", Series{5, 0}, false, "", ""},
		"a minor forward":                     {"8.0.4", "8.2.1", Series{8, 0}, false, "", ""},
		"two majors up":                       {"5.0.4", "7.0.2", Series{5, 0}, false, ReasonVersionRefused, `spec.mongodb.image to 6.0 first; when that has proved itself, set spec.mongodb.featureCompatibilityVersion to "6.0"`},
		"the next major, data not raised":     {"6.0.5", "7.0.2", Series{5, 0}, false, ReasonVersionRefused, "majors are gone through one at a time"},
		"a rapid release of the next major":   {"6.0.5", "7.1.0", Series{6, 0}, false, ReasonVersionRefused, "7.0 first"},
		"back after the data were raised":     {"6.0.5", "5.0.4", Series{6, 0}, false, ReasonVersionRefused, "back to docker.io/library/mongo:6.0.5, or restore a backup"},
		"a minor back after they were raised": {"8.2.1", "8.0.4", Series{8, 2}, false, ReasonVersionRefused, "would not open the data"},
		"too old":                             {"4.4.29", "4.2.0", Series{4, 4}, false, ReasonVersionRefused, "too old"},
		"no version in the tag":               {"6.0.5", "latest", Series{6, 0}, false, ReasonVersionUnknown, "tag such as :6.0.27"},
		"data not read, a patch":              {"6.0.5", "6.0.27", Series{}, false, "", ""},
		"data not read, another series":       {"6.0.5", "7.0.2", Series{}, false, ReasonNotObservedYet, "docker.io/library/mongo:6.0.5 stays"},
		"made again with its volumes":         {"", "6.0.5", Series{6, 0}, false, "", ""},
		"made again with another image":       {"", "8.0.4", Series{6, 0}, false, ReasonVersionRefused, "7.0 first"},
		"made again with an older image":      {"", "5.0.4", Series{6, 0}, false, ReasonVersionRefused, "to an image of MongoDB 6.0"},
	} {
		t.Run(name, func(t *testing.T) {
			e := Exchange{To: image + test.to, Initiated: !test.fresh, FeatureCompatibility: test.data}
			if test.from != "" {
				e.From = image + test.from
			}
			refusal := e.Refuses()
			switch {
			case test.reason == "" && refusal != nil:
				t.Errorf("refused: %+v", refusal)
			case test.reason != "" && (refusal == nil || refusal.Reason != test.reason || !strings.Contains(refusal.Message, test.message)):
				t.Errorf("got %+v, want %s with %q", refusal, test.reason, test.message)
			}
			e.To = e.From
			if e.From != "" && e.Refuses() != nil {
				t.Error("the image that runs is refused")
			}
		})
	}
}

func TestWhatTheDataMayHoldOutlivesTheResource(t *testing.T) {
	o := settledSet(1)
	o.Database.FeatureCompatibility = Series{6, 0}
	decision := Next(o)
	if decision.Step == nil || decision.Step.Kind != RecordIdentity || decision.Step.Identity.FeatureCompatibility != (Series{6, 0}) {
		t.Fatalf("it is not recorded: %+v", decision)
	}
	identity, err := ParseIdentity(decision.Step.Identity.Data())
	if err != nil || !reflect.DeepEqual(identity, *decision.Step.Identity) {
		t.Errorf("read %+v (%v), want %+v", identity, err, decision.Step.Identity)
	}
	o.Identity = identity
	if decision := Next(o); !decision.Settled {
		t.Errorf("recorded, and not settled: %+v", decision)
	}
	o.down(0)
	o.Database.FeatureCompatibility = Series{}
	if refusal := ExchangeOf(o, "mongo:6.0.5", "mongo:8.0.1").Refuses(); refusal == nil || refusal.Reason != ReasonVersionRefused {
		t.Errorf("with the database down, two majors up got %+v", refusal)
	}
}

func TestARaiseThatWasCutShortIsBroughtToItsEnd(t *testing.T) {
	o := settledSet(3)
	o.Image, o.Identity.FeatureCompatibility = "mongo:6.0.5", Series{6, 0}
	o.Database.FeatureCompatibility, o.Database.Raising = Series{5, 0}, Series{6, 0}
	for name, wanted := range map[string]Series{"still asked for": {6, 0}, "no longer asked for": {}, "asked back": {5, 0}} {
		o.FeatureCompatibility = wanted
		if d := Next(o); d.Step == nil || d.Step.Kind != RaiseFeatureCompatibility || d.Step.FeatureCompatibility != (Series{6, 0}) {
			t.Errorf("%s: decided %+v", name, d)
		}
	}
	if refusal := ExchangeOf(o, "mongo:6.0.5", "mongo:5.0.4").Refuses(); refusal == nil || refusal.Reason != ReasonVersionRefused {
		t.Errorf("in between, 5.0 got %+v", refusal)
	}
}

func TestWhatTheDataMayHoldIsRaisedLastAndNeverLowered(t *testing.T) {
	for name, test := range map[string]struct {
		wanted, data Series
		image        string
		change       func(o *Observed)
		step         StepKind
		reason       string
		stalled      bool
		message      string
	}{
		"not asked for":                 {wanted: Series{}, data: Series{5, 0}, image: "mongo:6.0.5", reason: ReasonSettled},
		"there already":                 {wanted: Series{6, 0}, data: Series{6, 0}, image: "mongo:6.0.5", reason: ReasonSettled},
		"asked for":                     {wanted: Series{6, 0}, data: Series{5, 0}, image: "mongo:6.0.5", step: RaiseFeatureCompatibility},
		"while a member restarts":       {wanted: Series{6, 0}, data: Series{5, 0}, image: "mongo:6.0.5", change: func(o *Observed) { o.down(1) }, reason: ReasonMemberUnreachable},
		"while a member is of before":   {wanted: Series{6, 0}, data: Series{5, 0}, image: "mongo:6.0.5", change: func(o *Observed) { outdate(o, 2) }, step: RestartMember},
		"before the members run it":     {wanted: Series{6, 0}, data: Series{5, 0}, image: "mongo:5.0.4", reason: ReasonVersionRefused, stalled: true, message: "set spec.mongodb.image to 6.0 first"},
		"two majors up":                 {wanted: Series{7, 0}, data: Series{5, 0}, image: "mongo:6.0.5", reason: ReasonVersionRefused, stalled: true, message: "set spec.mongodb.image to 7.0 first"},
		"lower":                         {wanted: Series{5, 0}, data: Series{6, 0}, image: "mongo:6.0.5", reason: ReasonVersionRefused, stalled: true, message: "never lowered"},
		"an image that names nothing":   {wanted: Series{6, 0}, data: Series{5, 0}, image: "mongo:latest", step: RaiseFeatureCompatibility},
		"a minor of the same major":     {wanted: Series{8, 2}, data: Series{8, 0}, image: "mongo:8.2.1", step: RaiseFeatureCompatibility},
		"nobody has read it yet":        {wanted: Series{6, 0}, data: Series{}, image: "mongo:6.0.5", reason: ReasonNotObservedYet},
		"older than what runs may hold": {wanted: Series{6, 0}, data: Series{5, 0}, image: "mongo:8.0.4", reason: ReasonVersionRefused, stalled: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := settledSet(3)
			o.Identity.FeatureCompatibility = test.data
			o.Database.FeatureCompatibility, o.FeatureCompatibility, o.Image = test.data, test.wanted, test.image
			if test.change != nil {
				test.change(&o)
			}
			d := Next(o)
			if test.step != "" {
				if d.Step == nil || d.Step.Kind != test.step || test.step == RaiseFeatureCompatibility && d.Step.FeatureCompatibility != test.wanted {
					t.Errorf("decided %+v, want %s", d, test.step)
				}
				return
			}
			if d.Step != nil || d.Reason != test.reason || d.Stalled != test.stalled || !strings.Contains(d.Message, test.message) {
				t.Errorf("decided %+v, want %s with %q", d, test.reason, test.message)
			}
		})
	}
}
