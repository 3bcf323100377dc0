// The texts for what the server calls by short names.

import { text } from "/static/text.js";

const REJECTION_REASONS = {
  small: "small",
  blurred: "blurred",
  dark: "dark",
  cut: "cut",
  turned: "turned",
  "eyes shut": "eyesShut",
  "no face": "noFace",
  still: "still",
  "too many": "tooMany",
};
const CAPTURE_STATES = {
  spooled: ["spooled", "pending"],
  sent: ["sent", "pending"],
  "in S3": ["inS3", "ok"],
  rejected: ["rejected", "error"],
  "acknowledged by the broker": ["acknowledged", "ok"],
};
const BLINDNESS = {
  covered: "blindCovered",
  defocused: "blindDefocused",
  turned: "blindTurned",
  frozen: "blindFrozen",
  dark: "blindDark",
};
const SHOTS = ["first", "better", "dwell", "last"];

export const reasonLabel = (reason) => (REJECTION_REASONS[reason] ? text(REJECTION_REASONS[reason]) : reason);
export const shotLabel = (shot) => (SHOTS.includes(shot) ? text(shot) : shot === "more" ? "" : shot);
// Why a camera sees nothing, and what to do.
export const blindLabel = (reason) => (Object.hasOwn(BLINDNESS, reason) ? text(BLINDNESS[reason]) : reason);
// [text, "ok" | "pending" | "error"]
export function stateLabel(state) {
  const [name, kind] = CAPTURE_STATES[state] ?? [];
  return name ? [text(name), kind] : [state, ""];
}
