"""Frames and what is seen in them: detections, optical flow, moving regions, cuts between scenes."""
