from bokeh.layouts import column
from bokeh.models import Button, Div
from bokeh.plotting import curdoc

said = Div(text="nothing")
button = Button(label="greet")
button.on_click(lambda: said.update(text="hello bokeh"))
curdoc().add_root(column(button, said))
