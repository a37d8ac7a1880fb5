package dbagent

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// statusCommand leaves out what no metric comes from; a section that a server does not know is no
// error.
func statusCommand() bson.D {
	command := bson.D{{Key: "serverStatus", Value: 1}, {Key: "oplog", Value: 1}}
	for _, section := range []string{
		"batchedDeletes", "catalogStats", "changeStreamPreImages", "collectionCatalog", "defaultRWConcern",
		"featureCompatibilityVersion", "flowControl", "freeMonitoring", "hedgingMetrics", "indexBuilds",
		"indexBulkBuilder", "indexStats", "internalTransactions", "locks", "logicalSessionRecordCache", "planCache",
		"queryAnalyzers", "readConcernCounters", "readPreferenceCounters", "repl", "scramCache", "sharding",
		"shardingStatistics", "spillWiredTiger", "tcmalloc", "tenantMigrations", "trafficRecording", "transactions",
		"transportSecurity", "twoPhaseCommitCoordinator",
	} {
		command = append(command, bson.E{Key: section, Value: 0})
	}
	return command
}

// field is where serverStatus has a number, and the value of the metric's own label, if it has one.
type field struct{ path, label string }

// reading makes a metric of fields of serverStatus, which count in units of the metric's unit. Of
// several fields with one label the first that the server has is taken; one that it does not have
// is left out.
type reading struct {
	family *family
	unit   float64
	fields []field
}

const (
	milli    = 1e-3
	mebibyte = 1 << 20
)

func one(path string) []field { return []field{{path: path}} }

// each has the names in place of the star.
func each(path string, names ...string) []field {
	var fields []field
	for _, name := range names {
		fields = append(fields, field{path: strings.Replace(path, "*", name, 1), label: name})
	}
	return fields
}

var readings = []reading{
	{newGauge("uptime_seconds", "How long mongod has run."), milli, one("uptimeMillis")},
	{newGauge("resident_memory_bytes", "Memory that mongod holds."), mebibyte, one("mem.resident")},
	{newCounter("page_faults_total", "Page faults of mongod that had to read from the disk."), 1, one("extra_info.page_faults")},
	{newGauge("certificate_expiry_timestamp_seconds", "When the certificate that mongod serves ends, in seconds since 1970."),
		milli, one("security.SSLServerCertificateExpirationDate")},
	{newCounter("asserts_total", "Errors that mongod raised, by its own kinds; user are those that clients cause.", "type"),
		1, each("asserts.*", "regular", "warning", "msg", "user", "tripwire")},

	{newGauge("connections_open", "Connections that clients, other members and the agent have open."), 1, one("connections.current")},
	{newGauge("connections_active", "Open connections with an operation under way."), 1, one("connections.active")},
	{newGauge("connections_available", "Connections that could be opened yet."), 1, one("connections.available")},
	{newCounter("connections_created_total", "Connections that were ever opened."), 1, one("connections.totalCreated")},
	{newCounter("network_received_bytes_total", "Bytes that mongod received."), 1, one("network.bytesIn")},
	{newCounter("network_sent_bytes_total", "Bytes that mongod sent."), 1, one("network.bytesOut")},
	{newCounter("network_requests_total", "Requests that mongod received."), 1, one("network.numRequests")},

	{newCounter("operations_total", "Operations of clients.", "type"),
		1, each("opcounters.*", "insert", "query", "update", "delete", "getmore", "command")},
	{newCounter("replicated_operations_total", "Operations that were applied from other members.", "type"),
		1, each("opcountersRepl.*", "insert", "query", "update", "delete", "getmore", "command")},
	{newCounter("documents_total", "Documents that operations inserted, returned, updated or deleted.", "type"),
		1, each("metrics.document.*", "inserted", "returned", "updated", "deleted")},
	{newCounter("scanned_keys_total", "Index keys that queries looked at."), 1, one("metrics.queryExecutor.scanned")},
	{newCounter("scanned_documents_total", "Documents that queries looked at."), 1, one("metrics.queryExecutor.scannedObjects")},
	{newCounter("collection_scans_total", "Queries that looked at a whole collection."), 1, one("metrics.queryExecutor.collectionScans.total")},
	{newCounter("sorts_in_memory_total", "Queries that were sorted without the help of an index."), 1, one("metrics.operation.scanAndOrder")},
	{newGauge("cursors_open", "Cursors that clients have open."), 1, one("metrics.cursor.open.total")},
	{newCounter("cursors_timed_out_total", "Cursors that were closed because nobody asked for more."), 1, one("metrics.cursor.timedOut")},
	{newGauge("active_clients", "Clients whose operation is under way.", "type"),
		1, []field{{"globalLock.activeClients.readers", "read"}, {"globalLock.activeClients.writers", "write"}}},
	{newGauge("queued_operations", "Operations that wait for a lock.", "type"),
		1, []field{{"globalLock.currentQueue.readers", "read"}, {"globalLock.currentQueue.writers", "write"}}},
	{newGauge("tickets_used", "Operations that are inside of the storage engine.", "type"), 1, []field{
		{"queues.execution.read.out", "read"}, {"queues.execution.write.out", "write"},
		{"wiredTiger.concurrentTransactions.read.out", "read"}, {"wiredTiger.concurrentTransactions.write.out", "write"}}},
	{newGauge("tickets_available", "Operations that the storage engine would let in yet; at 0 the next one waits.", "type"), 1, []field{
		{"queues.execution.read.available", "read"}, {"queues.execution.write.available", "write"},
		{"wiredTiger.concurrentTransactions.read.available", "read"}, {"wiredTiger.concurrentTransactions.write.available", "write"}}},

	{newGauge("cache_max_bytes", "How large the storage engine's cache may become."), 1, one("wiredTiger.cache.maximum bytes configured")},
	{newGauge("cache_used_bytes", "What the cache holds."), 1, one("wiredTiger.cache.bytes currently in the cache")},
	{newGauge("cache_dirty_bytes", "What the cache holds that is not in the data files yet."), 1, one("wiredTiger.cache.tracked dirty bytes in the cache")},
	{newCounter("cache_pages_read_total", "Pages that were read into the cache."), 1, one("wiredTiger.cache.pages read into cache")},
	{newCounter("cache_pages_written_total", "Pages that were written from the cache."), 1, one("wiredTiger.cache.pages written from cache")},
	{newCounter("cache_pages_evicted_total", "Pages that had to leave the cache; dirty ones had to be written first.", "type"),
		1, []field{{"wiredTiger.cache.unmodified pages evicted", "clean"}, {"wiredTiger.cache.modified pages evicted", "dirty"}}},
	{newCounter("cache_pages_evicted_by_operations_total", "Pages that operations of clients had to evict themselves: the cache is under pressure."),
		1, one("wiredTiger.cache.pages evicted by application threads")},

	{newCounter("elections_called_total", "Elections that this member called, by why.", "reason"),
		1, each("electionMetrics.*.called", electionReasons()...)},
	{newCounter("elections_won_total", "Elections that this member called and won, by why.", "reason"),
		1, each("electionMetrics.*.successful", electionReasons()...)},
}

func electionReasons() []string {
	return []string{"stepUpCmd", "priorityTakeover", "catchUpTakeover", "electionTimeout", "freezeTimeout"}
}

var (
	familyServerInfo = newGauge("server_info", "1, with the version of mongod and its storage engine.", "version", "storage_engine")
	familyLatency    = newSummary("operation_latency_seconds",
		"How long operations took in mongod, by kind: read, write, command or transaction.", "type")
	familyOplogWindow = newGauge("oplog_window_seconds",
		"Time from the oldest to the newest entry of the oplog: how long a member may be away and still catch up.")
)

// emitStatus emits what serverStatus says.
func (e emitter) emitStatus(status bson.Raw) {
	e.number(familyServerInfo, 1, text(status, "version"), text(status, "storageEngine.name"))
	for _, r := range readings {
		seen := map[string]bool{}
		for _, f := range r.fields {
			value, found := number(status, f.path)
			if !found || seen[f.label] {
				continue
			}
			seen[f.label] = true
			var labels []string
			if f.label != "" {
				labels = []string{f.label}
			}
			e.number(r.family, value*r.unit, labels...)
		}
	}
	for _, kind := range []string{"read", "write", "command", "transaction"} {
		microseconds, found := number(status, "opLatencies."+kind+"s.latency")
		count, counted := number(status, "opLatencies."+kind+"s.ops")
		if found && counted {
			e.summary(familyLatency, count, microseconds/1e6, kind)
		}
	}
	oldest, found := number(status, "oplog.earliestOptime")
	newest, known := number(status, "oplog.latestOptime")
	if found && known && oldest > 0 {
		e.number(familyOplogWindow, max(0, newest-oldest))
	}
}

// number finds a number below the keys of a path. A date is in milliseconds since 1970, a timestamp
// in seconds.
func number(document bson.Raw, path string) (value float64, found bool) {
	raw, err := document.LookupErr(strings.Split(path, ".")...)
	if err != nil {
		return 0, false
	}
	if milliseconds, is := raw.DateTimeOK(); is {
		return float64(milliseconds), true
	}
	if seconds, _, is := raw.TimestampOK(); is {
		return float64(seconds), true
	}
	return raw.AsFloat64OK()
}

// text finds a string below the keys of a path; it is empty if there is none.
func text(document bson.Raw, path string) string {
	value, _ := document.Lookup(strings.Split(path, ".")...).StringValueOK()
	return value
}
