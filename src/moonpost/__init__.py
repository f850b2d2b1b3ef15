"""Moonpost plans, designs, builds and runs a lunar research station."""
