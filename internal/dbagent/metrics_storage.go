package dbagent

import "go.mongodb.org/mongo-driver/v2/bson"

var (
	familyOplogSize = newGauge("oplog_size_bytes", "What the oplog holds, before compression.")
	familyOplogMax  = newGauge("oplog_max_bytes", "What the oplog may hold before its oldest entries go.")
	familyDiskUsed  = newGauge("disk_used_bytes", "What is used of the file system that holds the data.")
	familyDiskTotal = newGauge("disk_size_bytes", "How large the file system that holds the data is.")
)

// emitOplog emits what collStats says of the oplog.
func (e emitter) emitOplog(reply bson.Raw) error {
	e.present(familyOplogSize, reply, "size")
	e.present(familyOplogMax, reply, "maxSize")
	return nil
}

// emitDisk emits what dbStats says of the file system: only mongod's container has it mounted.
func (e emitter) emitDisk(reply bson.Raw) error {
	e.present(familyDiskUsed, reply, "fsUsedSize")
	e.present(familyDiskTotal, reply, "fsTotalSize")
	return nil
}

func (e emitter) present(f *family, reply bson.Raw, path string) {
	if value, found := number(reply, path); found {
		e.number(f, value)
	}
}
