CREATE TABLE teams (
    id INT PRIMARY KEY AUTO_INCREMENT,
    name VARCHAR(100) NOT NULL
);
CREATE TABLE users (
    id INT PRIMARY KEY AUTO_INCREMENT,
    team_id INT NOT NULL,
    email VARCHAR(190) NOT NULL,
    name VARCHAR(100) NOT NULL,
    password_hash VARCHAR(200) NOT NULL,
    UNIQUE KEY by_email (email),
    KEY by_team (team_id),
    FOREIGN KEY (team_id) REFERENCES teams (id)
);
CREATE TABLE memberships (
    team_id INT NOT NULL,
    user_id INT NOT NULL,
    role VARCHAR(20) NOT NULL,
    PRIMARY KEY (team_id, user_id),
    FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE TABLE todos (
    id INT PRIMARY KEY AUTO_INCREMENT,
    team_id INT NOT NULL,
    user_id INT NOT NULL,
    title VARCHAR(200) NOT NULL,
    body VARCHAR(1000) NOT NULL,
    done TINYINT NOT NULL DEFAULT 0,
    created_at DATETIME NOT NULL,
    KEY by_team_state (team_id, done, id),
    FULLTEXT KEY by_words (title, body)
);
CREATE TABLE events (
    id INT PRIMARY KEY AUTO_INCREMENT,
    team_id INT NOT NULL,
    title VARCHAR(200) NOT NULL,
    starts_at DATETIME NOT NULL,
    ends_at DATETIME NOT NULL,
    KEY by_team_time (team_id, starts_at)
);
CREATE TABLE notifications (
    id INT PRIMARY KEY AUTO_INCREMENT,
    team_id INT NOT NULL,
    user_id INT NOT NULL,
    text VARCHAR(300) NOT NULL,
    is_read TINYINT NOT NULL DEFAULT 0,
    created_at DATETIME NOT NULL,
    KEY by_user_unread (user_id, is_read, id)
);
CREATE TABLE counters (
    team_id INT PRIMARY KEY,
    hits BIGINT NOT NULL
);
