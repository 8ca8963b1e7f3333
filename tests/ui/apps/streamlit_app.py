import streamlit as st

name = st.text_input("name")
if st.button("greet"):
    st.write(f"hello {name}")
st.file_uploader("file")
