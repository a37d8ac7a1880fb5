// Command demo brings a whole ChatPDF up and proves through its front door that it answers: cluster,
// images, chart, the minimal sample, and then what a user does first.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// demoDeadline bounds the whole demo: a cold one builds Kubernetes.
const demoDeadline = 80 * time.Minute

func main() {
	options, down, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, demoDeadline)
	defer cancel()

	started := time.Now()
	steps := newProgress(os.Stdout, started)
	if down {
		err = takeDown(ctx, options, steps)
	} else {
		err = bringUp(ctx, options, steps)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo failed after %.0f s: %v\n", time.Since(started).Seconds(), err)
		stop()
		cancel()
		os.Exit(1)
	}
}

// options are what the demo is asked for.
type options struct {
	root        string // the checkout
	cluster     string // "local", or "current" for the cluster of the current kubeconfig
	port        int    // of the front door on the loopback address
	pdf         string // uploaded by the self-check
	question    string
	model       model
	imgRegistry string
}

func parse(args []string) (options, bool, error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), `Brings up a cluster and a ChatPDF in it, and checks it through its front door.

usage: demo [flags]
       demo -down [flags]

The environment gives OPENAI_API_KEY (answers are then written by a model), and for another server than OpenAI's
OPENAI_BASE_URL, OPENAI_CHAT_MODEL and OPENAI_EMBEDDING_MODEL. A server on this machine is reached too.

example: demo -pdf report.pdf
         OPENAI_API_KEY=none OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_CHAT_MODEL=qwen3 OPENAI_EMBEDDING_MODEL=bge-m3 demo
         IMG_REGISTRY=registry.example.com/team demo -cluster current

`)
		flags.PrintDefaults()
	}
	o := options{imgRegistry: os.Getenv("IMG_REGISTRY")}
	var down bool
	flags.StringVar(&o.root, "root", ".", "the checkout")
	flags.StringVar(&o.cluster, "cluster", "local", "local, or current for the cluster of the current kubeconfig (images go to IMG_REGISTRY)")
	flags.IntVar(&o.port, "port", 8080, "port of the front door on 127.0.0.1")
	flags.StringVar(&o.pdf, "pdf", "", "PDF to upload; empty: the handbook that the repository ships")
	flags.StringVar(&o.question, "question", "", "question to ask; empty: one that fits the handbook, or the first words of your PDF")
	flags.BoolVar(&down, "down", false, "remove all that the demo made")
	if err := flags.Parse(args); err != nil {
		return options{}, false, err
	}
	if o.cluster != "local" && o.cluster != "current" {
		return options{}, false, fmt.Errorf("-cluster %q: choose local or current", o.cluster)
	}
	if o.cluster == "current" && o.imgRegistry == "" && !down {
		return options{}, false, errors.New("CLUSTER=current needs IMG_REGISTRY: a registry that you can push to and the cluster can pull from")
	}
	if !down {
		var err error
		if o.model, err = modelOf(os.Getenv); err != nil {
			return options{}, false, err
		}
	}
	if o.pdf != "" {
		if _, err := os.Stat(o.pdf); err != nil {
			return options{}, false, fmt.Errorf("the PDF: %w", err)
		}
	}
	return o, down, nil
}
