"""The business clock's hands. Owns no table of rating (the schema `clock` is infrastructure); moves it
forward, due instant by due instant. Hears POST /v1/clock/advance. Says nothing on the bus: a move is a notice
every service follows. Never moves it back, and never past a due instant before everything is quiet.

How a moved clock stays honest: before and after each due instant (a period's end, a period's start, the end
of a grace, the instant of a contract version), and before it answers, it asks all running instances to be
*quiet* and waits for their answers: one service after the other, in the order in which usage passes them
(`shared/topics/graph.py`). An instance answers when (1) its group's positions have passed the heads of its
topics as read when it heard the question, (2) `Service.finish_due_work(context)` says that no job due by the business
clock is left, (3) its outbox holds nothing from before that moment. So what one service said lies before the
next one when that is asked. What goes back is asked for in a second pass; live load does not prolong it. To
make the clock wait for a job of a service, give its `Service` a `finish_due_work`; rating's opens, prices and closes
what is due, billing's finalizes. Webhook deliveries and daily jobs are no due instants.

Nobody looks in short turns: a question and an answer are notices (LISTEN), and whoever is asked hurries its
consumer and its relay.
"""
