import os
import sys
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

writer = EventFileWriter(os.path.join(os.getcwd(), "logs"))
for step in range(5):
    writer.add_event(Event(step=step, summary=Summary(value=[Summary.Value(tag="loss", simple_value=1.0 / (step + 1))])))
writer.close()
os.execv(os.path.join(os.path.dirname(sys.executable), "tensorboard"),
         ["tensorboard", "--logdir", "logs", "--host", sys.argv[1], "--port", sys.argv[2]])
