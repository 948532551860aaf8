package main

import (
	"bytes"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/util/jsonpath"
)

// selector: which of the sets of labels it matches, as a text of 0 and 1.
func selector(asked question) answer {
	parsed, err := labels.Parse(asked.Text)
	if err != nil {
		return answer{Problems: []problem{{Type: "Selector", Detail: err.Error()}}}
	}
	var sets []labels.Set
	if err := json.Unmarshal(asked.Object, &sets); err != nil {
		return answer{Problems: []problem{{Type: "Question", Detail: err.Error()}}}
	}
	given := answer{Text: ""}
	for _, set := range sets {
		if parsed.Matches(set) {
			given.Text += "1"
		} else {
			given.Text += "0"
		}
	}
	return given
}

// template: what `kubectl get -o jsonpath=…` prints of an object.
func template(asked question) answer {
	var object any
	if err := json.Unmarshal(asked.Object, &object); err != nil {
		return answer{Problems: []problem{{Type: "Question", Detail: err.Error()}}}
	}
	parsed := jsonpath.New("out").AllowMissingKeys(true)
	if err := parsed.Parse(asked.Text); err != nil {
		return answer{Problems: []problem{{Type: "Template", Detail: err.Error()}}}
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, object); err != nil {
		return answer{Problems: []problem{{Type: "Template", Detail: err.Error()}}}
	}
	return answer{Text: out.String()}
}

// merge: what a strategic merge patch makes of a pod.
func merge(asked question) answer {
	merged, err := strategicpatch.StrategicMergePatch(asked.Old, asked.Object, v1.Pod{})
	if err != nil {
		return answer{Problems: []problem{{Type: "Patch", Detail: err.Error()}}}
	}
	return answer{Object: merged}
}
