// Package config reads the environment of `chatpdf backend` and `chatpdf frontend`.
//
// What holds here:
//
//   - Every variable can also be given as NAME_FILE, the path of a file with the value; giving both is an error.
//   - All problems are reported at once, a sentence each that names the variable, the value unless
//     it is secret, and what is allowed. Nothing starts with a value that was not understood.
//   - A Secret prints as "[redacted]" however it is printed, and reads its file again on each use.
//   - Variables is the list of what there is; help texts and the operator's own checks come from it.
package config

import (
	"log/slog"
	"net/url"
	"time"
)

// Backend is the environment of `chatpdf backend`.
type Backend struct {
	ListenAddress  Address `env:"LISTEN_ADDRESS" envDefault:":8080" allowed:"an address such as :8080" help:"where the API listens"`
	MetricsAddress Address `env:"METRICS_ADDRESS" envDefault:":9090" allowed:"an address such as :9090" help:"where /metrics listens"`

	MongoDBURI Secret `env:"MONGODB_URI,required" allowed:"a mongodb:// or mongodb+srv:// connection string" help:"connection string of a MongoDB replica set, 4.4 or later; its path names the database (chatpdf)"`
	MongoDBCA  Text   `env:"MONGODB_CA" allowed:"certificates in PEM form" help:"if set, TLS to MongoDB with exactly these authorities"`

	FileReadPreference ReadPreference `env:"MONGODB_FILE_READ_PREFERENCE" envDefault:"primary" allowed:"primary or secondaryPreferred" help:"members that PDFs are read from; everything else is read from the primary"`

	OpenAIAPIKey         Secret `env:"OPENAI_API_KEY" help:"without it: keyword search and answers made of quotes"`
	OpenAIBaseURL        URL    `env:"OPENAI_BASE_URL" envDefault:"https://api.openai.com/v1" allowed:"an http:// or https:// URL without user, query or fragment" help:"any server that speaks the OpenAI protocol"`
	OpenAIChatModel      string `env:"OPENAI_CHAT_MODEL" envDefault:"gpt-4o-mini" help:"model that words answers"`
	OpenAIEmbeddingModel string `env:"OPENAI_EMBEDDING_MODEL" envDefault:"text-embedding-3-small" help:"model that embeds passages and questions"`

	InitialAdminUsername Username `env:"INITIAL_ADMIN_USERNAME" envDefault:"admin" allowed:"1 to 64 letters, digits and the characters . _ @ + -" help:"first account, made only while there is none"`
	InitialAdminPassword Secret   `env:"INITIAL_ADMIN_PASSWORD" allowed:"8 to 1024 bytes long" help:"its password"`

	Debug     Switch `env:"DEBUG" envDefault:"False" allowed:"True or False" help:"log everything, and serve profiles at /debug/pprof beside /metrics"`
	LogLevel  Level  `env:"LOG_LEVEL" envDefault:"INFO" allowed:"DEBUG, INFO, WARNING or ERROR" help:"least severe level that is logged"`
	LogFormat Format `env:"LOG_FORMAT" envDefault:"json" allowed:"json or text" help:"form of the log on standard error"`

	WorkerCount    int     `env:"WORKER_COUNT" envDefault:"2" min:"1" max:"64" help:"documents taken in at the same time"`
	MaxConnections int     `env:"MAX_CONNECTIONS" envDefault:"100" min:"4" max:"10000" help:"size of the connection pool to MongoDB"`
	TimeoutSeconds int     `env:"TIMEOUT" envDefault:"30" min:"1" max:"3600" help:"seconds that one request may take; for uploads and streams, seconds of silence"`
	AllowedOrigins Origins `env:"ALLOWED_ORIGINS" allowed:"a comma-separated list of origins such as https://chat.example.com, without *" help:"other origins whose pages may call the API"`
	MaxFileSize    int64   `env:"MAX_FILE_SIZE" envDefault:"10485760" min:"1024" max:"1099511627776" help:"bytes that an uploaded file may have"`
	ExtractMemory  int64   `env:"EXTRACT_MEMORY" envDefault:"536870912" min:"67108864" max:"17179869184" help:"bytes of memory of one child process that reads a document; there is one for each document taken in"`
	MaxPages       int     `env:"MAX_PAGES" envDefault:"10000" min:"1" max:"1000000" help:"pages that a document may have"`

	RateLimit          int `env:"RATE_LIMIT" envDefault:"100" min:"1" max:"1000000" help:"requests a minute of one client, over all replicas"`
	RateLimitPerSecond int `env:"RATE_LIMIT_PER_SECOND" envDefault:"10" min:"1" max:"100000" help:"requests a second of one client, lasting, at one replica"`
	RateLimitBurst     int `env:"RATE_LIMIT_BURST" envDefault:"20" min:"1" max:"100000" help:"requests of one client at once, at one replica"`

	CacheDir string `env:"CACHE_DIR" help:"writable directory for compiled WebAssembly and spooled documents (chatpdf in the system's temporary directory)"`
}

// Frontend is the environment of `chatpdf frontend`.
type Frontend struct {
	ListenAddress  Address `env:"LISTEN_ADDRESS" envDefault:":8080" allowed:"an address such as :8080" help:"where the page is served"`
	MetricsAddress Address `env:"METRICS_ADDRESS" envDefault:":9090" allowed:"an address such as :9090" help:"where /metrics listens"`
	BackendURL     URL     `env:"BACKEND_URL,required" allowed:"an http:// or https:// URL without user, query or fragment" help:"where the backend answers"`
	MaxFileSize    int64   `env:"MAX_FILE_SIZE" envDefault:"10485760" min:"1024" max:"1099511627776" help:"bytes that an uploaded file may have"`
	TimeoutSeconds int     `env:"TIMEOUT" envDefault:"30" min:"1" max:"3600" help:"seconds that the backend may take to begin an answer; for uploads and streams, seconds of silence"`
	Debug          Switch  `env:"DEBUG" envDefault:"False" allowed:"True or False" help:"log everything, and serve profiles at /debug/pprof beside /metrics"`
	LogLevel       Level   `env:"LOG_LEVEL" envDefault:"INFO" allowed:"DEBUG, INFO, WARNING or ERROR" help:"least severe level that is logged"`
	LogFormat      Format  `env:"LOG_FORMAT" envDefault:"json" allowed:"json or text" help:"form of the log on standard error"`
}

// Timeout is how long one request may take.
func (c Backend) Timeout() time.Duration { return time.Duration(c.TimeoutSeconds) * time.Second }

// Timeout is how long the backend may take to begin an answer.
func (c Frontend) Timeout() time.Duration { return time.Duration(c.TimeoutSeconds) * time.Second }

// Log is the logger that the configuration asks for: DEBUG wins over LOG_LEVEL.
func (c Backend) Log() Logging { return Logging{c.LogLevel, c.LogFormat, c.Debug} }

// Log is the logger that the configuration asks for: DEBUG wins over LOG_LEVEL.
func (c Frontend) Log() Logging { return Logging{c.LogLevel, c.LogFormat, c.Debug} }

// Logging says what is logged and how.
type Logging struct {
	Level  Level
	Format Format
	Debug  Switch
}

// Minimum is the least severe level that is logged.
func (l Logging) Minimum() slog.Level {
	if l.Debug {
		return slog.LevelDebug
	}
	return slog.Level(l.Level)
}

// URL is an absolute http or https URL.
type URL struct{ url.URL }
