package main

import (
	"regexp"
	"strconv"
	"time"

	"k8s.io/kubernetes/pkg/printers"
	printersinternal "k8s.io/kubernetes/pkg/printers/internalversion"
)

var generator = printers.NewTableGenerator().With(printersinternal.AddHandlers)

var ago = regexp.MustCompile(`"@-?[0-9]+"`)

// atTimes writes "@-90" as the time 90 seconds ago: ages are counted from now.
func atTimes(raw []byte) []byte {
	now := time.Now().UTC().Truncate(time.Second)
	return ago.ReplaceAllFunc(raw, func(text []byte) []byte {
		seconds, err := strconv.Atoi(string(text[2 : len(text)-1]))
		if err != nil {
			panic(err)
		}
		return []byte(strconv.Quote(now.Add(time.Duration(seconds) * time.Second).Format(time.RFC3339)))
	})
}

// table: what `kubectl get -o wide` is sent; a column of the wide table only is marked with "+".
func table(raw []byte) answer {
	object, problems := decode(atTimes(raw))
	if len(problems) > 0 {
		return answer{Problems: problems}
	}
	made, err := generator.GenerateTable(object, printers.GenerateOptions{Wide: true})
	if err != nil {
		return answer{Problems: []problem{{Type: "Table", Detail: err.Error()}}}
	}
	given := answer{}
	for _, column := range made.ColumnDefinitions {
		mark := ""
		if column.Priority > 0 {
			mark = "+"
		}
		given.Columns = append(given.Columns, mark+column.Name)
	}
	for _, row := range made.Rows {
		given.Rows = append(given.Rows, row.Cells)
	}
	return given
}
