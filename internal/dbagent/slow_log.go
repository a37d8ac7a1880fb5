package dbagent

import (
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// maxShapes bounds the shapes that are counted each for itself; the rest are one, named "other".
const maxShapes = 100

var (
	slowLabels = []string{"database", "collection", "shape", "plan"}
	familySlow = newSummary("slow_query_seconds",
		"How long operations took that mongod logged as slow (100 ms or more, unless set otherwise), by shape. Its count is how many there were.", slowLabels...)
	familySlowKeys     = newCounter("slow_query_examined_keys_total", "Index keys that slow operations looked at.", slowLabels...)
	familySlowExamined = newCounter("slow_query_examined_documents_total", "Documents that slow operations looked at.", slowLabels...)
	familySlowReturned = newCounter("slow_query_returned_documents_total", "Documents that slow operations returned.", slowLabels...)
	familyLogMissed    = newCounter("log_lines_missed_total",
		"Lines that mongod logged and dropped from its memory before they were read; slow operations among them are not counted.")
)

// slowKey is what slow operations are counted by.
type slowKey struct{ database, collection, shape, plan string }

type slowCount struct {
	operations, seconds, keys, examined, returned float64
}

// slowLog counts the slow operations that mongod logs. mongod keeps its last 1024 lines in memory
// and counts all that it ever wrote, so that reading needs neither a file nor the profiler, costs
// mongod a copy, and takes every line once.
type slowLog struct {
	since   time.Time     // lines of before belong to an agent of before
	process bson.ObjectID // whose lines were read last; zero at first
	lines   int64         // how many that process had written by then
	missed  int64
	counts  map[slowKey]*slowCount
}

func newSlowLog(since time.Time) *slowLog {
	return &slowLog{since: since, counts: map[slowKey]*slowCount{}}
}

// read takes the answers to hello, which says which process it is that answers, and to getLog. A
// process that is another one than before counts its lines anew.
func (s *slowLog) read(hello, log bson.Raw) error {
	process, is := hello.Lookup("topologyVersion", "processId").ObjectIDOK()
	if !is {
		return errors.New("mongod does not say which process it is: the lines of its log cannot be told from those read before")
	}
	var reply struct {
		Written int64    `bson:"totalLinesWritten"`
		Lines   []string `bson:"log"`
	}
	if err := bson.Unmarshal(log, &reply); err != nil {
		return fmt.Errorf("decoding the log of mongod: %w", err)
	}
	first := s.process.IsZero()
	fresh := reply.Written
	if s.process == process && reply.Written >= s.lines {
		fresh -= s.lines
	}
	held := int64(len(reply.Lines))
	if !first {
		s.missed += max(0, fresh-held)
	}
	for _, line := range reply.Lines[held-min(fresh, held):] {
		operation, is := parseSlow(line)
		// An agent that was started again would count again what the one before has counted.
		if is && (!first || operation.at.After(s.since)) {
			s.count(operation)
		}
	}
	s.process, s.lines = process, reply.Written
	return nil
}

func (s *slowLog) count(o slowOperation) {
	c, known := s.counts[o.key]
	if !known {
		key := o.key
		if len(s.counts) >= maxShapes {
			key = slowKey{shape: "other"}
		}
		if c, known = s.counts[key]; !known {
			c = &slowCount{}
			s.counts[key] = c
		}
	}
	c.operations++
	c.seconds += o.seconds
	c.keys += o.keys
	c.examined += o.examined
	c.returned += o.returned
}

func (s *slowLog) emit(e emitter) {
	e.number(familyLogMissed, float64(s.missed))
	for key, c := range s.counts {
		labels := []string{key.database, key.collection, key.shape, key.plan}
		e.summary(familySlow, c.operations, c.seconds, labels...)
		e.number(familySlowKeys, c.keys, labels...)
		e.number(familySlowExamined, c.examined, labels...)
		e.number(familySlowReturned, c.returned, labels...)
	}
}
