package mongodb

import (
	"fmt"
	"regexp"
	"strconv"
)

// Series is a line of MongoDB releases whose data files are the same, such as 6.0. The patch releases
// of one series may be exchanged for each other in both directions.
type Series struct{ Major, Minor int }

// oldest is the oldest series that the driver speaks to
// (https://www.mongodb.com/docs/drivers/go/current/reference/compatibility/).
var oldest = Series{4, 4}

func (s Series) String() string { return fmt.Sprintf("%d.%d", s.Major, s.Minor) }

// Known says whether this is a series at all.
func (s Series) Known() bool { return s != Series{} }

// Before says that this series came out before the other.
func (s Series) Before(other Series) bool {
	return s.Major < other.Major || s.Major == other.Major && s.Minor < other.Minor
}

// opens says that the binaries of this series start on data of that feature compatibility: their own,
// that of an earlier minor release of the same major one, or, for the first of a major release, that of
// the major release before
// (https://www.mongodb.com/docs/manual/reference/command/setFeatureCompatibilityVersion/).
func (s Series) opens(data Series) bool {
	if s.Major == data.Major {
		return !s.Before(data)
	}
	return s.Major == data.Major+1 && s.Minor == 0
}

// next is the series to go to from data of this feature compatibility on the way to a later one.
func (s Series) next() Series { return Series{s.Major + 1, 0} }

var seriesPattern = regexp.MustCompile(`^(\d{1,3})\.(\d{1,3})$`)

// ParseSeries reads a series such as "6.0"; the zero Series if it is none.
func ParseSeries(text string) Series {
	parts := seriesPattern.FindStringSubmatch(text)
	if parts == nil {
		return Series{}
	}
	major, _ := strconv.Atoi(parts[1]) // the pattern lets nothing pass that is no number
	minor, _ := strconv.Atoi(parts[2])
	return Series{major, minor}
}

// A tag is what follows the last colon behind the last slash, up to a digest. It starts with the
// version: 6.0.27, 6.0, 8.0.4-noble, 7.0.15-ubi9.
var tagPattern = regexp.MustCompile(`:v?(\d{1,3}\.\d{1,3})(\.\d{1,5})?(-[0-9A-Za-z._-]+)?(@[^/]+)?$`)

// SeriesOfImage is the series that an image's tag names; the zero Series if it names none.
func SeriesOfImage(image string) Series {
	parts := tagPattern.FindStringSubmatch(image)
	if parts == nil {
		return Series{}
	}
	return ParseSeries(parts[1])
}

// Exchange is a wish to run another image of MongoDB on data that are there.
type Exchange struct {
	// From is the image that runs, empty if nobody knows; To is the one that is wished for.
	From, To string
	// Initiated says that there are data.
	Initiated bool
	// FeatureCompatibility of the data; zero while it was never read.
	FeatureCompatibility Series
}

// ExchangeOf is the wish to run image to on the observed data instead of image from.
func ExchangeOf(o Observed, from, to string) Exchange {
	v := newView(o)
	return Exchange{From: from, To: to, Initiated: v.identity.ReplicaSetID != "", FeatureCompatibility: v.featureCompatibility()}
}

// featureCompatibility is the most that the data may hold: what the primary says that they are at, or are
// being raised to, or else what was recorded last.
func (v view) featureCompatibility() Series {
	if v.Database.Raising.Known() {
		return v.Database.Raising
	}
	if v.Database.FeatureCompatibility.Known() {
		return v.Database.FeatureCompatibility
	}
	return v.identity.FeatureCompatibility
}

// Refusal is why an image may not be taken up now.
type Refusal struct {
	// Reason in CamelCase, one of the Reason constants.
	Reason string
	// Message is a sentence that says what to do.
	Message string
	// Passes says that waiting may help.
	Passes bool
}

// Refuses says why the exchange may not be made; nil if it may. A binary that does not open the data
// would not start, or, worse, start on some members and not on others.
func (e Exchange) Refuses() *Refusal {
	if !e.Initiated || e.From == e.To {
		return nil
	}
	to, from, data := SeriesOfImage(e.To), SeriesOfImage(e.From), e.FeatureCompatibility
	back := "back to " + e.From
	if e.From == "" {
		back = fmt.Sprintf("to an image of MongoDB %s", data)
	}
	switch {
	case !to.Known():
		return refuse(ReasonVersionUnknown,
			"The tag of %s does not say which version of MongoDB it is, so nobody can tell whether it opens the data. Set spec.mongodb.image to one with a tag such as :6.0.27; a digest may follow.", e.To)
	case to.Before(oldest):
		return refuse(ReasonVersionRefused, "%s is MongoDB %s, which is too old: the oldest that works is %s. Put spec.mongodb.image %s.", e.To, to, oldest, back)
	case !data.Known() && (to == from || e.From == ""):
		return nil
	case !data.Known():
		return &Refusal{Reason: ReasonNotObservedYet, Passes: true, Message: fmt.Sprintf(
			"Whether %s opens the data can only be told when a member serves; until then %s stays.", e.To, e.From)}
	case to.opens(data):
		return nil
	case to.Before(data):
		return refuse(ReasonVersionRefused,
			"%s is MongoDB %s and would not open the data, whose feature compatibility is %s already. Put spec.mongodb.image %s, or restore a backup that was made with %s into a new ChatPDFDeployment.", e.To, to, data, back, to)
	}
	return refuse(ReasonVersionRefused,
		"%s is MongoDB %s and would not open the data, whose feature compatibility is %s: majors are gone through one at a time. Set spec.mongodb.image to %s first; when that has proved itself, set spec.mongodb.featureCompatibilityVersion to %q; then go on.",
		e.To, to, data, data.next(), data.next().String())
}

func refuse(reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// featureCompatibility raises what the data may hold, as the last thing of all and only when it is
// asked for: it cannot be taken back.
func featureCompatibility(v view) *Decision {
	wanted, data := v.FeatureCompatibility, v.Database.FeatureCompatibility
	if raising := v.Database.Raising; raising.Known() && (!wanted.Known() || wanted == data) {
		wanted = raising // what was begun is brought to its end: in between, neither series opens the data
	}
	if !wanted.Known() || wanted == data {
		return nil
	}
	runs := SeriesOfImage(v.Image)
	switch {
	case !data.Known():
		return wait(ReasonNotObservedYet, "The feature compatibility of the data has not been read yet.")
	case wanted.Before(data):
		return stall(ReasonVersionRefused,
			"spec.mongodb.featureCompatibilityVersion is %q, and the data are at %s already: it is never lowered, because the data may use what %s cannot read. Set it to %q, or leave it out.", wanted, data, wanted, data.String())
	case runs.Known() && (runs.Before(wanted) || !runs.opens(wanted)):
		return stall(ReasonVersionRefused,
			"spec.mongodb.featureCompatibilityVersion is %q, and the members run MongoDB %s: set spec.mongodb.image to %s first.", wanted, runs, wanted)
	}
	return take(Step{Kind: RaiseFeatureCompatibility, ReplicaSetID: v.identity.ReplicaSetID, FeatureCompatibility: wanted},
		"Raising the feature compatibility of the data from %s to %s.", data, wanted)
}
