"""Look for faces in a video as tutorials do, in real time: `FILE haar|yunet RATE`."""

import sys
import time

import cv2
import cv2.data

from camera.pipeline.tracking.detector import model_path

FILE, KIND, RATE = sys.argv[1], sys.argv[2], float(sys.argv[3])
cv2.setNumThreads(1)
video = cv2.VideoCapture(FILE)
size = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
haar = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
yunet = cv2.FaceDetectorYN.create(str(model_path()), "", size, 0.7)
began, number = time.monotonic(), 0
while True:
    good, frame = video.read()
    if not good:
        video = cv2.VideoCapture(FILE)
        continue
    if KIND == "haar":
        haar.detectMultiScale(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), 1.1, 5, minSize=(56, 56))
    else:
        yunet.detect(frame)
    number += 1
    time.sleep(max(0.0, began + number / RATE - time.monotonic()))
