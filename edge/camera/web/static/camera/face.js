// The part of a picture around a face, as a square: what a tile shows where the picture is a whole frame.

import { element } from "/static/dom.js";

const AROUND = 2; // how many times the face's size the square has

// The same image in a frame that shows the face, once its size is known; without a face the image as it is.
export function aroundFace(image, face) {
  if (!face) return image;
  const show = () => image.naturalWidth && place(image, face);
  image.addEventListener("load", show);
  show();
  return element("span", { className: "around-face" }, image);
}

function place(image, [x, y, width, height]) {
  const { naturalWidth: whole, naturalHeight: high } = image;
  const side = Math.min(AROUND * Math.max(width, height), whole, high);
  const within = (middle, most) => Math.min(Math.max(middle - side / 2, 0), most - side);
  const share = (pixels) => `${(100 * pixels) / side}%`;
  Object.assign(image.style, { width: share(whole), height: share(high), left: share(-within(x + width / 2, whole)), top: share(-within(y + height / 2, high)) });
}
