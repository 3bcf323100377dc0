// What is known about a capture, in words.

import { fullTime, locale, text } from "/static/text.js";
import { poorLabel } from "../grid/poor.js";

const SHOTS = ["first", "better", "dwell", "stay", "last"]; // "more" needs no word

export const shotLabel = (shot) => (SHOTS.includes(shot) ? text(shot) : shot === "more" ? "" : shot ?? "");

export function facts({ at, edge, camera, key, metadata }) {
  return [
    [text("utc"), at.replace("T", " ").replace("+00:00", "")],
    [text("zone"), metadata.timezone],
    [text("edge"), edge],
    [text("camera"), metadata.camera || camera],
    [text("quality"), percent(metadata.quality)],
    [text("score"), percent(metadata.score)],
    [text("face"), metadata.box && text("faceBox", metadata)],
    [text("shot"), shotLabel(metadata.shot)],
    [text("poor"), metadata.poor && poorLabel(metadata.poor)],
    [text("brightened"), metadata.brightened && text("times", { number: metadata.brightened })],
    [text("visit"), metadata.track],
    [text("key"), key],
  ];
}

// The time where the camera is, if that is another one than where the browser is; the zone may be anything somebody sent.
export function timeAtCamera({ at, metadata }) {
  try {
    const there = new Date(at).toLocaleString(locale, { dateStyle: "full", timeStyle: "medium", timeZone: metadata.timezone || undefined });
    return there === fullTime(at) ? "" : text("atCamera", { time: there, zone: metadata.timezone });
  } catch {
    return "";
  }
}

const percent = (share) => (share && !Number.isNaN(Number(share)) ? text("percent", { number: Math.round(100 * share) }) : share);
