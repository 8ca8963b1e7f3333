import sys
import gradio as gr

gr.Interface(fn=lambda text: f"hello {text}", inputs="text", outputs="text", flagging_mode="never").launch(
    server_name=sys.argv[1], server_port=int(sys.argv[2]), quiet=True
)
