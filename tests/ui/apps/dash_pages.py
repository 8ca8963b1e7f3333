import sys
import dash
from dash import Dash, Input, Output, callback, dcc, html

app = Dash(__name__, use_pages=True, pages_folder="")
dash.register_page("home", path="/", layout=html.Div(["home page", dcc.Input(id="typed"), html.Div(id="said")]))
dash.register_page("second", path="/second", layout=html.Div("second page", id="second"))
app.layout = html.Div([dcc.Link("to second", href="/second", id="to-second"), dash.page_container])


@callback(Output("said", "children"), Input("typed", "value"))
def said(value):
    return f"said {value}"


app.run(host=sys.argv[1], port=int(sys.argv[2]))
