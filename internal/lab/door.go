package lab

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// doorHandler serves what no AWS service has, below /_lab/.
func (l *Lab) doorHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_lab/books", func(w http.ResponseWriter, _ *http.Request) {
		writeDoor(w, http.StatusOK, l.Books())
	})
	mux.HandleFunc("POST /_lab/books/reset", func(w http.ResponseWriter, _ *http.Request) {
		l.ResetBooks()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_lab/troubles", func(w http.ResponseWriter, _ *http.Request) {
		writeDoor(w, http.StatusOK, l.Troubles())
	})
	mux.HandleFunc("POST /_lab/troubles", l.orderThroughDoor)
	mux.HandleFunc("DELETE /_lab/troubles", func(w http.ResponseWriter, _ *http.Request) {
		l.LiftAll()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /_lab/troubles/{id}", func(w http.ResponseWriter, request *http.Request) {
		if err := l.Lift(request.PathValue("id")); err != nil {
			refuseAtDoor(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_lab/state", func(w http.ResponseWriter, _ *http.Request) {
		writeDoor(w, http.StatusOK, l.State())
	})
	mux.HandleFunc("PUT /_lab/accounts/{id}/organization", l.joinThroughDoor)
	mux.HandleFunc("GET "+pagePath, servePage)
	mux.HandleFunc("GET /_lab/instances/{id}/console", l.showConsole)
	mux.HandleFunc("POST /_lab/instances/{id}/run", l.runThroughDoor)
	mux.HandleFunc("POST /_lab/instances/{id}/{state}", func(w http.ResponseWriter, request *http.Request) {
		if err := l.SetState(request.PathValue("id"), request.PathValue("state")); err != nil {
			refuseAtDoor(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// membership is where an account is in its organization.
type membership struct {
	Organization string   `json:"organization_arn"`
	Units        []string `json:"organizational_unit_arns"`
}

// joinThroughDoor puts an account into the organization in the body.
func (l *Lab) joinThroughDoor(w http.ResponseWriter, request *http.Request) {
	asked := membership{}
	decoder := json.NewDecoder(http.MaxBytesReader(w, request.Body, maxBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&asked)
	if err == nil {
		err = l.JoinOrganization(request.PathValue("id"), asked.Organization, asked.Units...)
	}
	if err != nil {
		refuseAtDoor(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

type ranItem struct {
	Output   string `json:"output"`
	ExitCode int    `json:"exit_code"`
}

// runThroughDoor runs the body, a shell script, inside an instance.
func (l *Lab) runThroughDoor(w http.ResponseWriter, request *http.Request) {
	script, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		refuseAtDoor(w, err)
		return
	}
	output, exitCode, err := l.Run(request.Context(), request.PathValue("id"), string(script))
	if err != nil {
		refuseAtDoor(w, err)
		return
	}
	writeDoor(w, http.StatusOK, ranItem{Output: output, ExitCode: exitCode})
}

func refuseAtDoor(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, ErrNoSuchInstance), errors.Is(err, ErrNoSuchTrouble):
		status = http.StatusNotFound
	case errors.Is(err, ErrNoGuest):
		status = http.StatusConflict
	}
	writeDoor(w, status, map[string]string{"error": err.Error()})
}

func writeDoor(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client may have gone
}
