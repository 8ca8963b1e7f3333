import sys
from nicegui import ui


@ui.page("/")
def index():
    label = ui.label("nothing")
    ui.button("greet", on_click=lambda: label.set_text("hello nicegui"))
    ui.link("second", "/second")


@ui.page("/second")
def second():
    ui.label("second page")


ui.run(host=sys.argv[1], port=int(sys.argv[2]), reload=False, show=False)
