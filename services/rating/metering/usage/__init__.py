"""Usage as a product's own screens show it: a meter's series by hour, day or month, in the customer's time
zone."""
