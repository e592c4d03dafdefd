-- works with: 1
-- What a conversation has beyond questions and answers: tools, agents, branches, queues, rooms, files.

-- threads: branches and the sidebar

ALTER TABLE threads ADD COLUMN forked_from text;

-- tools

-- agents and teams

-- queues

-- rooms

-- files
