// The captures of one visit, or one capture where all are shown: what a tile stands for.

import { bestOf } from "/static/shots.js";

export const sortKey = (capture) => capture.at + capture.key;

// What captures of the same visit have in common; one without a track is a visit of its own.
export const visitId = (capture) => (capture.track ? `${capture.edge}/${capture.camera}/${capture.track}` : capture.key);

export class Visit {
  constructor(id) {
    this.id = id;
    this.shots = []; // the newest first
  }

  add(capture) {
    const place = this.shots.findIndex((other) => sortKey(other) < sortKey(capture));
    this.shots.splice(place < 0 ? this.shots.length : place, 0, capture);
  }

  remove(key) {
    this.shots = this.shots.filter((shot) => shot.key !== key);
  }

  get newest() {
    return this.shots[0];
  }

  get best() {
    return bestOf(this.shots);
  }

  // Why there is no good one; empty if there is.
  get poor() {
    return this.best.poor;
  }

  get seconds() {
    return Math.round((new Date(this.newest.at) - new Date(this.shots.at(-1).at)) / 1000);
  }
}
