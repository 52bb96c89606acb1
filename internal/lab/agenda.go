package lab

import (
	"container/heap"
	"time"
)

// agenda is what will happen, by time. It is carried out lazily: every request
// begins with settle, so an event in the past has happened before anybody looks.
// An event added "for now" happens before the next request, not in this one: that
// is how calm weather answers "pending" and the next read says "running".
type agenda struct {
	events eventHeap
	added  int
}

type event struct {
	at    time.Time
	order int
	do    func(at time.Time)
}

// add puts an event on the agenda.
func (a *agenda) add(at time.Time, do func(at time.Time)) {
	a.added++
	heap.Push(&a.events, event{at: at, order: a.added, do: do})
}

// settle carries out, in order, all that is due, including what due events add.
func (a *agenda) settle(now time.Time) {
	for len(a.events) > 0 && !a.events[0].at.After(now) {
		due, ok := heap.Pop(&a.events).(event)
		if !ok {
			return
		}
		due.do(due.at)
	}
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].order < h[j].order
	}
	return h[i].at.Before(h[j].at)
}

func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *eventHeap) Push(e any) {
	if e, ok := e.(event); ok {
		*h = append(*h, e)
	}
}

func (h *eventHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*h = old[:len(old)-1]
	return last
}
