// The real Kubernetes code answers questions, one JSON object a line: what the API server makes of an object, whether it
// allows an update, what kubectl's table shows. test/unit/kubernetes/ holds podrun to the answers; `npm run oracle` asks.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
)

type question struct {
	Ask         string          `json:"ask"`
	Object      json.RawMessage `json:"object"`
	Old         json.RawMessage `json:"old"`
	Subresource string          `json:"subresource"`
	Text        string          `json:"text"`
}

type problem struct {
	Type   string `json:"type"`
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

type answer struct {
	Problems []problem       `json:"problems,omitempty"`
	Object   json.RawMessage `json:"object,omitempty"`
	Requests json.RawMessage `json:"requests,omitempty"`
	Limits   json.RawMessage `json:"limits,omitempty"`
	Columns  []string        `json:"columns,omitempty"`
	Rows     [][]any         `json:"rows,omitempty"`
	Text     string          `json:"text,omitempty"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var asked question
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, "oracle:", err)
			os.Exit(1)
		}
		if err := out.Encode(reply(context.Background(), asked)); err != nil {
			fmt.Fprintln(os.Stderr, "oracle:", err)
			os.Exit(1)
		}
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func reply(ctx context.Context, asked question) (given answer) {
	defer func() {
		if panicked := recover(); panicked != nil {
			given = answer{Problems: []problem{{Type: "Panic", Detail: fmt.Sprint(panicked)}}}
		}
	}()
	switch asked.Ask {
	case "create":
		return create(ctx, asked.Object)
	case "update":
		return update(ctx, asked)
	case "table":
		return table(asked.Object)
	case "selector":
		return selector(asked)
	case "merge":
		return merge(asked)
	case "template":
		return template(asked)
	case "quantity":
		return quantity(asked.Text)
	}
	return answer{Problems: []problem{{Type: "Question", Detail: asked.Ask}}}
}
