import panel as pn

pn.extension()
name = pn.widgets.TextInput(name="name")
pn.Column(name, pn.bind(lambda value: f"hello {value}", name)).servable()
