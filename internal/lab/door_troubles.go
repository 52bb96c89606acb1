package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// troubleKinds read a trouble of each kind.
var troubleKinds = map[string]func([]byte) (Trouble, error){
	FailCall{}.kind():   readTrouble[FailCall],
	NoCapacity{}.kind(): readTrouble[NoCapacity],
	FailLaunch{}.kind(): readTrouble[FailLaunch],
	Impair{}.kind():     readTrouble[Impair],
	HoldImage{}.kind():  readTrouble[HoldImage],
	FailImage{}.kind():  readTrouble[FailImage],
}

func readTrouble[T Trouble](text []byte) (Trouble, error) {
	var trouble T
	if len(text) == 0 {
		return trouble, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&trouble); err != nil {
		return nil, fmt.Errorf("reading %s: %w", trouble.kind(), err)
	}
	return trouble, nil
}

// orderThroughDoor orders the body, {"kind": "fail_call", "trouble": {"nth": 3}}, and
// answers its id.
func (l *Lab) orderThroughDoor(w http.ResponseWriter, request *http.Request) {
	var asked struct {
		Kind    string          `json:"kind"`
		Trouble json.RawMessage `json:"trouble"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, request.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		refuseAtDoor(w, fmt.Errorf("reading the order: %w", err))
		return
	}
	read, known := troubleKinds[asked.Kind]
	if !known {
		refuseAtDoor(w, fmt.Errorf("kind %q: want fail_call, no_capacity, fail_launch, impair, hold_image or fail_image", asked.Kind))
		return
	}
	trouble, err := read(asked.Trouble)
	if err == nil {
		var id string
		if id, err = l.Order(trouble); err == nil {
			writeDoor(w, http.StatusCreated, map[string]string{"id": id})
			return
		}
	}
	refuseAtDoor(w, err)
}
