// The words for what the server calls by short names.

const REJECTION_REASONS = {
  small: "too small",
  blurred: "blurred",
  dark: "too dark or too bright",
  cut: "cut off",
  turned: "turned away",
  "eyes shut": "eyes shut",
  "no face": "no face after all",
  still: "never moves",
  "too many": "too many at once",
};
const CAPTURE_STATES = {
  spooled: ["on disk", "pending"],
  sent: ["sending", "pending"],
  "in S3": ["in S3", "ok"],
  rejected: ["rejected", "error"],
  "acknowledged by the broker": ["with the broker", "ok"],
};
const SHOTS = {
  first: "first of the visit",
  better: "better than the ones before",
  dwell: "still present",
  last: "best at the end of the visit",
  more: "",
};

export const reasonLabel = (reason) => REJECTION_REASONS[reason] ?? reason;
export const shotLabel = (shot) => SHOTS[shot] ?? shot;
// [text, "ok" | "pending" | "error"]
export const stateLabel = (state) => CAPTURE_STATES[state] ?? [state, ""];
